// For the tests of this folder: a simulated workstation in a folder of its own, its executables run for real, nothing left behind.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Folder } from './folder.ts'
import { install, type Installed } from './install.ts'
import type { Misbehaviour } from './scenes.ts'

export interface Ran {
  exitCode: number | null
  stdout: string
  stderr: string
}

export class Rig {
  readonly folder: string
  readonly installed: Installed
  readonly pipe: string
  readonly logs: string
  readonly #children: ChildProcess[] = []

  private constructor(folder: string, installed: Installed) {
    this.folder = folder
    this.installed = installed
    this.pipe = join(folder, 'mps', 'pipe')
    this.logs = join(folder, 'mps', 'log')
    mkdirSync(join(folder, 'mps'))
  }

  static async open(scene?: string, misbehaviour?: Misbehaviour): Promise<Rig> {
    const folder = mkdtempSync(join(tmpdir(), 'overlap-sim-'))
    return new Rig(folder, await install({ folder, scene: scene ?? null, ...(misbehaviour ? { misbehaviour } : {}) }))
  }

  start(argv: readonly string[], env: Record<string, string> = {}): ChildProcess {
    const [program = '', ...args] = argv
    const child = spawn(program, args, { env: { ...process.env, ...this.installed.tools.env, CUDA_MPS_PIPE_DIRECTORY: this.pipe, CUDA_MPS_LOG_DIRECTORY: this.logs, ...env } })
    child.stdin?.on('error', () => {})
    this.#children.push(child)
    return child
  }

  async run(argv: readonly string[], stdin = '', env: Record<string, string> = {}): Promise<Ran> {
    const child = this.start(argv, env)
    let stdout = ''
    let stderr = ''
    child.stdout?.on('data', (chunk) => (stdout += chunk))
    child.stderr?.on('data', (chunk) => (stderr += chunk))
    child.stdin?.end(stdin)
    const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve))
    return { exitCode, stdout, stderr }
  }

  smi(...args: string[]): Promise<Ran> {
    return this.run([...this.installed.tools.nvidiaSmi, ...args])
  }

  control(commands: string): Promise<Ran> {
    return this.run(this.installed.tools.mpsControl, commands)
  }

  startDaemon(): Promise<Ran> {
    return this.run([...this.installed.tools.mpsControl, '-d'])
  }

  /** The scene's first engine, on `port`, loaded at once, with arguments added. One that names a share of the memory has no absolute KV cache. */
  engine(port: number, more: readonly string[] = [], env: Record<string, string> = {}): ChildProcess {
    const spec = this.installed.engines[0]
    if (spec?.recipe !== 'vllm') throw new Error('the scene has no engine')
    const memory = more.includes('--gpu-memory-utilization') ? [] : ['--gpu-memory-utilization', '0.05', '--kv-cache-memory-bytes', String((spec.kvCacheMemoryMiB ?? 0) * 2 ** 20)]
    const argv = [spec.executable, 'serve', spec.model, '--host', '127.0.0.1', '--port', String(port), '--max-num-seqs', String(spec.maxSequences), '--no-async-scheduling', ...memory, ...more]
    return this.start(argv, { ...spec.env, OVERLAP_SIM_LOAD_SECONDS: '0', CUDA_VISIBLE_DEVICES: spec.gpuUuid ?? '', ...env })
  }

  /** Pids of everything on the GPUs. */
  tenants(): number[] {
    return this.installed.gpuUuids.flatMap((_, index) => new Folder(this.folder).tenants(index).map(({ pid }) => pid))
  }

  /** Daemons, servers and engines end themselves with the scene; what this test started is ended, too. */
  async close(): Promise<void> {
    await this.control('quit -t 0')
    await this.installed.close()
    const running = this.#children.filter((child) => child.exitCode === null && child.signalCode === null)
    await Promise.all(running.map((child) => new Promise((resolve) => {
      child.once('exit', resolve)
      child.kill('SIGKILL')
    })))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

export async function lines(child: ChildProcess, count: number): Promise<string[]> {
  let text = ''
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    text += chunk.toString()
    if (text.split('\n').length > count) break
  }
  return text.split('\n').slice(0, count)
}
