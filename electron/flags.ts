// What may be written after `npm start --`. Refuses what it does not know, with the field at fault.
import { parseArgs } from 'node:util'
import { FaultError } from '../shared/fault.ts'
import { DEFAULT_SCENE, SCENES } from './sim/scenes.ts'

export interface Flags {
  headless: boolean
  /** null: 7650, or any free port when that is taken. 0: any free port. */
  port: number | null
  /** Simulate this scene, whatever tools there are. */
  scene: string | null
  /** Never simulate. */
  real: boolean
  /** Folder for everything Overlap keeps. */
  state: string | null
  help: boolean
}

export const USAGE = `npm start -- [flags]
  --headless      serve the screens to a browser, no window
  --port N        port on 127.0.0.1 (default 7650; 0: any free one)
  --scene NAME    simulate that scene; --help lists them
  --real          never simulate
  --state DIR     keep engines, logs and settings there
  OVERLAP_TOKEN   token to use instead of a random one`

const columns = Math.max(...Object.keys(SCENES).map(({ length }) => length)) + 2
const sceneLines = Object.entries(SCENES).map(([name, { sentence }]) => `  ${name.padEnd(columns)}${sentence}${name === DEFAULT_SCENE ? ' The default without a GPU.' : ''}`)
/** What --help prints: the flags, and what each scene shows. */
export const HELP = `${USAGE}\n\nScenes of the simulated workstation\n${sceneLines.join('\n')}`

/** What `read` gives; what it does not understand, with the usage as the hint. */
export function understood<Words>(usage: string, read: () => Words): Words {
  try {
    return read()
  } catch (error) {
    const unknown = /'([^' ]+)/.exec((error as Error).message)?.[1]
    throw new FaultError('BAD_INPUT', `${unknown ?? 'That'} is not understood.`, usage, { field: unknown ?? 'flags', cause: error })
  }
}

const OPTIONS = {
  headless: { type: 'boolean' }, port: { type: 'string' }, scene: { type: 'string' }, real: { type: 'boolean' }, state: { type: 'string' }, help: { type: 'boolean', short: 'h' },
} as const

export function readFlags(argv: readonly string[]): Flags {
  const { headless = false, port = null, scene = null, real = false, state = null, help = false } = understood(USAGE, () => parseArgs({ args: [...argv], options: OPTIONS })).values
  if (port !== null && !(/^\d{1,5}$/.test(port) && Number(port) <= 65535)) {
    throw new FaultError('BAD_INPUT', `--port ${port} is not a port.`, 'Give a number from 0 to 65535; 0 takes any free one.', { field: 'port' })
  }
  if (state !== null && (state === '' || state.includes('\0'))) throw new FaultError('BAD_INPUT', '--state needs a folder.', 'Give the path of a folder that may be written to.', { field: 'state' })
  if (scene !== null && real) throw new FaultError('BAD_INPUT', '--scene and --real contradict each other.', 'Leave one of them out.', { field: 'scene' })
  return { headless, port: port === null ? null : Number(port), scene, real, state, help }
}
