// A program as a terminal sees it: what it prints, how it ends. For tests that start Overlap in ways that do not reach the ready line.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

export interface Program {
  readonly pid: number
  /** Printed so far. */
  stdout(): string
  stderr(): string
  /** Resolves when stdout and stderr together match; throws when the program ends, or `withinMs` pass, before. */
  until(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>
  signal(signal: NodeJS.Signals): void
  /** Keys, for a program that was started in a terminal. */
  type(keys: string): void
  /** After the last byte of output. */
  readonly ended: Promise<{ code: number | null; signal: string | null }>
}

export const READY = /^Overlap ready (http:\/\/127\.0\.0\.1:(\d+)\/)#token=(\S+)$/m

/** `terminal`: in a pseudo-terminal of its own, whose Ctrl-C goes to the whole group as in a real one. */
export function startProgram(argv: readonly string[], { terminal = false, ...options }: { cwd?: string; env?: NodeJS.ProcessEnv; terminal?: boolean } = {}): Program {
  const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const [file = '', ...rest] = terminal ? ['script', '--quiet', '--flush', '--return', '--command', `exec ${quoted}`, '/dev/null'] : argv
  const child = spawn(file, rest, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {}) // it may end without reading
  if (!terminal) child.stdin.end()
  const printed = { stdout: '', stderr: '' }
  const looks = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      printed[name] += text
      for (const look of looks) look()
    })
  }
  // 'exit', not 'close': what lives on may hold the pipe
  const ended = once(child, 'exit').then(async ([code, signal]) => {
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    return { code: code as number | null, signal: signal as string | null }
  })
  return {
    pid: child.pid!,
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    ended,
    signal: (signal) => void child.kill(signal),
    type: (keys) => void child.stdin.write(keys),
    until: (pattern, withinMs = 40_000) =>
      new Promise((resolve, reject) => {
        const stop = () => {
          looks.delete(look)
          clearTimeout(timer)
        }
        const fail = (why: string) => {
          stop()
          reject(new Error(`${why} before ${pattern}:\n${printed.stdout}${printed.stderr}`))
        }
        const look = () => {
          const match = pattern.exec(`${printed.stdout}${printed.stderr}`)
          if (!match) return
          stop()
          resolve(match)
        }
        const timer = setTimeout(() => fail(`${withinMs} ms passed`), withinMs)
        looks.add(look)
        look()
        void ended.then(({ code, signal }) => {
          look()
          if (looks.has(look)) fail(`It ended (${code ?? signal})`)
        })
      }),
  }
}

/** A zombie is not alive: nobody may have reaped it yet. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
