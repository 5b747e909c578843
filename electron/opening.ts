// From flags to a running core: the state folder, real tools or the simulated workstation, one core per state folder.
// Shared by the desktop and the headless entry; decides no faces.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FaultError } from '../shared/fault.ts'
import { AbstractLock, stateLock } from './core/host/abstractLock.ts'
import { REAL_TOOLS, type Tools } from './core/host/host.ts'
import { Procfs } from './core/host/procfs.ts'
import { Disposer } from './core/kit/disposer.ts'
import { openLog, silentLog, type Log } from './core/kit/log.ts'
import { systemClock } from './core/kit/clock.ts'
import { Workstation, type Opening } from './core/workstation.ts'
import { version } from './core/version.ts'
import { writeWhole } from './core/store/wholeFile.ts'
import { readElsewhere, stateFolder, type Elsewhere } from './elsewhere.ts'
import type { Flags } from './flags.ts'
import { install } from './sim/install.ts'
import { DEFAULT_SCENE, isSceneName, SCENES } from './sim/scenes.ts'

export interface Opened {
  workstation: Workstation
  log: Log
  /** Completes core.json, through which the command line and a second start find this core. */
  announce(door: { port: number; token: string } | null): Promise<void>
  close(): Promise<void>
}

/** How long a second start waits for the first to be ready. */
const OTHER_READY_MS = 15_000
const OTHER_LOOK_MS = 100

/**
 * `root`: the folder that holds `electron/`, whose programs are started by path.
 * `throwaway`: a folder with a simulated workstation in it that goes with its experiment, also after a kill.
 * `aborted`: told to end while still opening; then null, with nothing left open.
 */
export async function openWorkstation(flags: Flags, root: string, aborted?: AbortSignal, throwaway: string | null = null): Promise<{ opened: Opened } | { elsewhere: Elsewhere } | null> {
  if (flags.scene !== null && !isSceneName(flags.scene)) {
    throw new FaultError('BAD_INPUT', `There is no scene ${flags.scene}.`, `Scenes: ${Object.keys(SCENES).join(', ')}.`, { field: 'scene' })
  }
  // without a driver or a GPU, the simulated workstation shows what there is to see
  const scene = flags.real ? null : (flags.scene ?? ((await Workstation.mayHaveGpu(REAL_TOOLS.nvidiaSmi, silentLog, systemClock, aborted)) ? null : DEFAULT_SCENE))
  if (aborted?.aborted) return null
  const top = stateFolder(flags.state)
  const stateDirectory = scene === null ? top : join(top, 'sim', scene)
  const unusable = (error: Error) => {
    const { message } = error.cause instanceof Error ? error.cause : error // a Fault's own sentence would be one within ours
    return new FaultError('NO_PERMISSION', `The folder ${stateDirectory} cannot be used: ${message}.`, 'Choose another with --state DIR.', { field: 'state', cause: error })
  }
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 }).catch((error: Error) => Promise.reject(unusable(error)))
  const disposer = new Disposer()
  const taken = await takeFolder(stateDirectory, aborted)
  if ('elsewhere' in taken) return aborted?.aborted ? null : taken
  disposer.add(() => taken.lock.release())
  const corePath = join(stateDirectory, 'core.json')
  const self = { pid: process.pid, startTicks: new Procfs().processStat(process.pid)?.startTicks ?? null, version }
  const introduce = (door: { port: number; token: string } | null, ready: boolean) =>
    writeWhole(corePath, { ...self, ready, port: door?.port ?? null, token: door?.token ?? null })
  try {
    // at once: it shows that the folder can be written, and replaces what a killed core left
    await introduce(null, false).catch((error: Error) => Promise.reject(unusable(error)))
    disposer.add(() => rm(corePath, { force: true }))
    let log: Log
    try {
      log = openLog(join(stateDirectory, 'overlap.log'))
    } catch (error) {
      throw unusable(error as Error)
    }
    let tools: Tools = REAL_TOOLS
    let sceneSentence: string | null = null
    let opening: Opening = { startMps: false, startEngines: false, engines: [] }
    if (scene !== null) {
      const installed = await install({ folder: join(stateDirectory, 'workstation'), scene, programs: join(root, 'electron/sim') })
      tools = installed.tools
      sceneSentence = installed.sentence
      opening = { ...installed.opening, engines: installed.engines }
      disposer.add(() => installed.close())
    }
    const workstation = await Workstation.open({
      stateDirectory, tools, scene, sceneSentence, opening, throwaway: scene === null || throwaway === null ? null : { folder: throwaway, mark: { name: 'OVERLAP_SIM', value: join(stateDirectory, 'workstation') } }, clock: systemClock, log, version, presetsFolder: join(root, 'assets/experiments'),
      programs: { keeper: join(root, 'electron/core/host/keeper.ts'), generator: join(root, 'electron/core/load/generator.ts'), afterlife: join(root, 'electron/core/experiments/afterlife.ts') },
    })
    disposer.add(() => workstation.close())
    // whoever starts meanwhile waits for the folder, instead of being sent to a door that is closing
    disposer.add(() => introduce(null, false).catch(() => {}))
    if (aborted?.aborted) {
      await disposer.close()
      return null
    }
    return { opened: { workstation, log, announce: (door) => introduce(door, true), close: () => disposer.close() } }
  } catch (error) {
    await disposer.close().catch(() => {})
    throw error
  }
}

/** The folder's lock, or who has it: a core that is still starting is waited for, and one that ends meanwhile is succeeded. */
async function takeFolder(stateDirectory: string, aborted?: AbortSignal): Promise<{ lock: AbstractLock } | { elsewhere: Elsewhere }> {
  const giveUpAtMs = systemClock.now() + OTHER_READY_MS
  for (;;) {
    const lock = await AbstractLock.take(stateLock(stateDirectory), { timeoutMs: OTHER_LOOK_MS, ...(aborted ? { signal: aborted } : {}) })
    if (lock) return { lock }
    const elsewhere = await readElsewhere(stateDirectory)
    if (elsewhere.ready || aborted?.aborted || systemClock.now() > giveUpAtMs) return { elsewhere }
  }
}
