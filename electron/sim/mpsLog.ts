// control.log and server.log, in the line format of NVIDIA's daemon. Losing a line is no reason to fail.
import { appendFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { timestamp } from './queryGpu.ts'

export type LogComponent = 'Control' | 'Server' | 'Other'

export function logLine(component: LogComponent, pid: number, text: string, nowMs: number): string {
  return `[${timestamp(nowMs).replaceAll('/', '-')} ${component} ${String(pid).padStart(5)}] ${text}\n`
}

export class MpsLog {
  readonly #path: string | null

  constructor(directory: string, name: 'control.log' | 'server.log') {
    try {
      mkdirSync(directory, { recursive: true })
      this.#path = join(directory, name)
    } catch {
      this.#path = null
    }
  }

  write(component: LogComponent, text: string): void {
    if (this.#path === null) return
    try {
      appendFileSync(this.#path, logLine(component, process.pid, text, Date.now()), { mode: 0o644 })
    } catch {
      // a log that cannot be written does not stop NVIDIA's daemon either
    }
  }
}
