// A foreign caller in the race: a script of somebody else's that sets and reads its own value with the control program, without
// any care for others. Run as an executable: `raceCaller <value> <pauseMs> <report file> <program> …`; ends when its stdin does.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

export interface ForeignCall {
  /** Epoch ms with fractions, comparable between processes. */
  fromMs: number
  toMs: number
  /** It got exactly its own value back. */
  right: boolean
}

const [value = '', pauseMs = '', report = '', program = '', ...rest] = process.argv.slice(2)
const now = () => performance.timeOrigin + performance.now()
const calls: ForeignCall[] = []

function call(): void {
  const fromMs = now()
  const { stdout } = spawnSync(program, rest, { input: `set_default_active_thread_percentage ${value}\nget_default_active_thread_percentage\n`, encoding: 'utf8' })
  calls.push({ fromMs, toMs: now(), right: stdout === `${value}\n${value}\n` })
  setTimeout(call, Number(pauseMs) * (0.5 + Math.random()))
}

if (report !== '') {
  process.stdin.on('end', () => {
    writeFileSync(report, JSON.stringify(calls))
    process.exit(0)
  })
  process.stdin.resume()
  process.stdout.write('ready\n')
  call()
}
