// From flags to a running core: the state folder, real tools or the simulated workstation, one core per state folder.
// Shared by the desktop and the headless entry; decides no faces.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { FaultError } from '../shared/fault.ts'
import { AbstractLock } from './core/host/abstractLock.ts'
import { REAL_TOOLS, type Tools } from './core/host/host.ts'
import { Disposer } from './core/kit/disposer.ts'
import { openLog, silentLog, type Log } from './core/kit/log.ts'
import { systemClock } from './core/kit/clock.ts'
import { Workstation, type Opening } from './core/workstation.ts'
import { version } from './core/version.ts'
import type { Flags } from './flags.ts'
import { install } from './sim/install.ts'
import { DEFAULT_SCENE, isSceneName, SCENES } from './sim/scenes.ts'

export interface Opened {
  workstation: Workstation
  log: Log
  /** Writes core.json, through which the command line and a second start find this core. */
  announce(door: { port: number; token: string } | null): Promise<void>
  close(): Promise<void>
}

/** Another core has this state folder. */
export interface Elsewhere {
  pid: number | null
  port: number | null
  token: string | null
}

const stateFolder = (flags: Flags): string =>
  resolve(flags.state ?? join(process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'overlap'))

/** `root`: the folder that holds `electron/`, whose programs are started by path. */
export async function openWorkstation(flags: Flags, root: string): Promise<{ opened: Opened } | { elsewhere: Elsewhere }> {
  if (flags.scene !== null && !isSceneName(flags.scene)) {
    throw new FaultError('BAD_INPUT', `There is no scene ${flags.scene}.`, `Scenes: ${Object.keys(SCENES).join(', ')}.`, { field: 'scene' })
  }
  // real tools only where nvidia-smi answers: without a driver the simulated workstation shows what there is to see
  const scene = flags.real ? null : (flags.scene ?? ((await Workstation.toolAnswers([...REAL_TOOLS.nvidiaSmi, '-L'], silentLog, systemClock)) ? null : DEFAULT_SCENE))
  const top = stateFolder(flags)
  const stateDirectory = scene === null ? top : join(top, 'sim', scene)
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 }).catch((error: Error) => {
    throw new FaultError('NO_PERMISSION', `The folder ${stateDirectory} cannot be made.`, 'Choose another with --state DIR.', { field: 'state', detail: error.message })
  })
  const disposer = new Disposer()
  const lock = await AbstractLock.take(`state:${stateDirectory}`, { timeoutMs: 0 })
  if (!lock) return { elsewhere: await readElsewhere(stateDirectory) }
  disposer.add(() => lock.release())
  try {
    const log = openLog(join(stateDirectory, 'overlap.log'))
    let tools: Tools = REAL_TOOLS
    let opening: Opening = { startMps: false, startEngines: false, engines: [] }
    if (scene !== null) {
      const installed = await install({ folder: join(stateDirectory, 'workstation'), scene, programs: join(root, 'electron/sim') })
      tools = installed.tools
      opening = { ...installed.opening, engines: installed.engines }
      disposer.add(() => installed.close())
    }
    const workstation = await Workstation.open({ stateDirectory, keeperPath: join(root, 'electron/core/host/keeper.ts'), tools, scene, opening, clock: systemClock, log, version })
    disposer.add(() => workstation.close())
    const corePath = join(stateDirectory, 'core.json')
    return {
      opened: {
        workstation,
        log,
        async announce(door) {
          const content = { pid: process.pid, startedAtMs: workstation.greeting().startedAtMs, version, port: door?.port ?? null, token: door?.token ?? null }
          await writeFile(corePath, JSON.stringify(content), { mode: 0o600 })
          disposer.add(() => rm(corePath, { force: true }))
        },
        close: () => disposer.close(),
      },
    }
  } catch (error) {
    await disposer.close().catch(() => {})
    throw error
  }
}

export async function readElsewhere(stateDirectory: string): Promise<Elsewhere> {
  try {
    const core = JSON.parse(await readFile(join(stateDirectory, 'core.json'), 'utf8')) as Elsewhere
    return { pid: core.pid, port: core.port, token: core.token }
  } catch {
    return { pid: null, port: null, token: null }
  }
}
