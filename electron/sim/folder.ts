// The simulated workstation's state: files under $OVERLAP_SIM, shared by all its executables. Whole-file writes, last writer wins.
//   scene.json            the scene that runs
//   gpu-<n>/<pid>.json    a process on GPU n: written by that process alone, fresh while it lives
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CARDS, type Card } from './cards.ts'
import type { Load } from './physics.ts'
import { SCENES, type Misbehaviour, type Scene, type SceneName } from './scenes.ts'

export interface SceneFile {
  name: SceneName
  openedAtMs: number
  /** null: the scene's own. A test can change them. */
  misbehaviour: Misbehaviour | null
}

/** One process on one GPU. */
export interface Tenant {
  pid: number
  kind: 'engine' | 'mpsServer'
  /** As nvidia-smi shows it: argv[0]. */
  command: string
  memoryMiB: number
  startedAtMs: number
  load: Load | null
  /** Of an MPS server. */
  status: 'INITIALIZING' | 'ACTIVE' | 'FAULT' | null
}

/** A tenant whose file was not touched for this long is gone: its pid may be somebody else's by now. */
const FRESH_MS = 60_000
export const TOUCH_EVERY_MS = 10_000

export interface Gpu {
  index: number
  uuid: string
  busId: string
  card: Card
  /** Compute mode EXCLUSIVE_PROCESS: one process at a time, which may be an MPS server. */
  exclusiveProcess: boolean
}

export class Folder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Of this process's environment. */
  static current(): Folder {
    const path = process.env['OVERLAP_SIM']
    if (!path) {
      process.stderr.write('OVERLAP_SIM names no folder: this executable belongs to the simulated workstation.\n')
      process.exit(250)
    }
    return new Folder(path)
  }

  /** null: the scene was taken away. */
  scene(): SceneFile | null {
    return readJson<SceneFile>(join(this.path, 'scene.json'))
  }

  openScene(scene: SceneFile): void {
    writeWhole(join(this.path, 'scene.json'), scene)
  }

  gpus(scene: SceneFile): Gpu[] {
    const opened: Scene = SCENES[scene.name]
    return opened.gpus.map((name, index) => ({
      index,
      uuid: `GPU-51a0${index.toString(16).padStart(4, '0')}-0000-4000-8000-${opened.seed.toString().padStart(12, '0')}`,
      busId: `00000000:${(0x1a + index * 0x10).toString(16).toUpperCase().padStart(2, '0')}:00.0`,
      card: CARDS[name],
      exclusiveProcess: opened.exclusiveProcess ?? false,
    }))
  }

  misbehaviour(scene: SceneFile): Misbehaviour {
    return scene.misbehaviour ?? SCENES[scene.name].misbehaviour
  }

  put(gpuIndex: number, tenant: Tenant): void {
    writeWhole(this.#file(gpuIndex, tenant.pid), tenant)
  }

  touch(gpuIndex: number, pid: number): void {
    const now = new Date()
    try {
      utimesSync(this.#file(gpuIndex, pid), now, now)
    } catch {
      // taken away: the owner sees that the scene is gone
    }
  }

  remove(gpuIndex: number, pid: number): void {
    rmSync(this.#file(gpuIndex, pid), { force: true })
  }

  /** Living processes of one GPU, by pid. */
  tenants(gpuIndex: number): Tenant[] {
    const directory = join(this.path, `gpu-${gpuIndex}`)
    const found: Tenant[] = []
    for (const name of listing(directory)) {
      const pid = Number(name.slice(0, -'.json'.length))
      if (!name.endsWith('.json') || !alive(pid) || !fresh(join(directory, name))) continue
      const tenant = readJson<Tenant>(join(directory, name))
      if (tenant) found.push(tenant)
    }
    return found.sort((one, other) => one.pid - other.pid)
  }

  /** Clients of one MPS server, on all GPUs. */
  clients(serverPid: number, gpus: readonly Gpu[]): { gpu: Gpu; tenant: Tenant }[] {
    return gpus.flatMap((gpu) => this.tenants(gpu.index).filter((tenant) => tenant.load?.mpsServerPid === serverPid).map((tenant) => ({ gpu, tenant })))
  }

  #file(gpuIndex: number, pid: number): string {
    return join(this.path, `gpu-${gpuIndex}`, `${pid}.json`)
  }
}

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function fresh(path: string): boolean {
  try {
    return Date.now() - statSync(path).mtimeMs < FRESH_MS
  } catch {
    return false
  }
}

function listing(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function readJson<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return null
  }
}

function writeWhole(path: string, content: unknown): void {
  try {
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(`${path}.${process.pid}.tmp`, JSON.stringify(content))
    renameSync(`${path}.${process.pid}.tmp`, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error // the folder is being taken away
  }
}
