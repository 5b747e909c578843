// What one engine is given by those around it. Types only, and the attachment of an engine that nobody has looked at.
import type { Attachment } from '../../../shared/engine.ts'
import type { Host } from '../host/host.ts'
import type { Procfs } from '../host/procfs.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { LocalEngine } from './engine.ts'
import type { Surroundings } from './launch.ts'

export interface EngineParts {
  host: Host
  clock: Clock
  log: Log
  procfs: Procfs
  surroundings: Surroundings
  /** Added to every engine's environment (Tools.env). */
  toolsEnv: Record<string, string>
  keeperPath: string
  /** The port for the next start. Throws PORT_TAKEN. */
  portFor(engine: LocalEngine): Promise<number>
  /** Names of the other engines that share its MPS server. */
  neighbours(engine: LocalEngine): string[]
  onChange(): void
}

/** What others found out about it: see owners. */
export interface Sighting {
  pids: number[]
  gpuMemoryMiB: number | null
  attachment: Attachment
}

export const NOT_RUNNING: Attachment = { state: 'notAttached', reason: 'notRunning', sentence: 'It is not running.', evidence: [], restartHelps: false }
export const NOT_SEEN: Attachment = { state: 'unknown', reason: 'noEvidence', sentence: 'Not looked at yet.', evidence: [], restartHelps: false }
