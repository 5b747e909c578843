// What every entry tells whoever started it in a terminal: refusals, the ready line, what is left running, who else is here.
import { FaultError } from '../shared/fault.ts'
import type { Elsewhere } from './elsewhere.ts'
import type { Opened } from './opening.ts'

export const say = (line: string): void => void process.stderr.write(`${line}\n`)

export const addressOf = (port: number, token: string): string => `http://127.0.0.1:${port}/#token=${token}`

/** The one line on standard output, for people and for programs that wait for it. */
export const sayReady = (port: number, token: string): void => void process.stdout.write(`Overlap ready ${addressOf(port, token)}\n`)

/** Another core has the state folder. False: it has no address to give. */
export function pointTo({ pid, ready, port, token }: Elsewhere): boolean {
  say(`Overlap already runs here${pid === null ? '' : ` as process ${pid}`}${ready && port === null ? ', in a window' : ''}. A second one needs its own folder: --state DIR.`)
  if (port === null || token === null) return false
  sayReady(port, token)
  return true
}

/** What was left running, so that nobody is surprised by it. */
export function sayLeft({ workstation }: Opened): void {
  const left = workstation.leftRunning()
  if (left.length > 0) say(`Left running: ${left.join(', ')}. The next start finds them again.`)
}

/** A refusal in its own words and those of the tool; anything else is a bug, and is printed whole. */
export function complain(thrown: unknown): void {
  if (thrown instanceof FaultError) say([thrown.fault.sentence, thrown.fault.hint, thrown.fault.detail].filter(Boolean).join('\n'))
  else say(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown))
}
