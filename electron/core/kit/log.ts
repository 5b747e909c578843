// Overlap's own log: one line of JSON per event. Secrets never get here: callers pass what the Ledger would show.
import pino from 'pino'

export interface Log {
  info(what: string, more?: Record<string, unknown>): void
  warn(what: string, more?: Record<string, unknown>): void
  error(what: string, more?: Record<string, unknown>): void
}

/** To a file (appended), or to standard error when `path` is null. */
export function openLog(path: string | null, level = process.env['OVERLAP_LOG_LEVEL'] ?? 'info'): Log {
  const out = pino.destination(path === null ? { dest: 2, sync: true } : { dest: path, append: true, mkdir: true, sync: true })
  const pinoLog = pino({ level, base: { pid: process.pid } }, out)
  return {
    info: (what, more = {}) => pinoLog.info(more, what),
    warn: (what, more = {}) => pinoLog.warn(more, what),
    error: (what, more = {}) => pinoLog.error({ ...more, error: more['error'] instanceof Error ? (more['error'].stack ?? more['error'].message) : more['error'] }, what),
  }
}

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }
