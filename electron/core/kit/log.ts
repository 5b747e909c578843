// Overlap's own log: one line of JSON per event. Secrets never get here: callers pass what the Ledger would show.
import pino from 'pino'
import { makeRoom } from './rotation.ts'

export interface Log {
  info(what: string, more?: Record<string, unknown>): void
  warn(what: string, more?: Record<string, unknown>): void
  error(what: string, more?: Record<string, unknown>): void
}

/** What waits for a disk that is full; more is dropped. */
const MOST_WAITING_BYTES = 1024 * 1024

/** To a file (appended, with one older one beside it), or to standard error when `path` is null. A log that cannot be written stops nobody: it waits for space. */
export function openLog(path: string | null, level = process.env['OVERLAP_LOG_LEVEL'] ?? 'info'): Log {
  const out = pino.destination({ sync: true, maxLength: MOST_WAITING_BYTES, ...(path === null ? { dest: 2 } : { dest: path, append: true, mkdir: true }) })
  out.on('error', () => {})
  const write = (line: string) => {
    try {
      if (path !== null && makeRoom(path, Buffer.byteLength(line))) out.reopen()
    } catch {
      // it goes on in the file that is there
    }
    out.write(line)
  }
  const pinoLog = pino({ level, base: { pid: process.pid } }, { write })
  return {
    info: (what, more = {}) => pinoLog.info(more, what),
    warn: (what, more = {}) => pinoLog.warn(more, what),
    error: (what, more = {}) => pinoLog.error({ ...more, error: more['error'] instanceof Error ? (more['error'].stack ?? more['error'].message) : more['error'] }, what),
  }
}

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }
