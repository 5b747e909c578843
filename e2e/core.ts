// The headless product as a program: started, waited for by its ready line, ended. For tests and benchmarks; knows no page.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')
const READY = /^Overlap ready (http:\/\/127\.0\.0\.1:(\d+)\/)#token=(\S+)$/m

export interface Core {
  readonly pid: number
  readonly url: string
  readonly token: string
  readonly state: string
  /** All it printed so far. */
  printed(): string
  /** Calls the plain HTTP door; throws the Fault's sentence when refused. */
  call<Answer>(name: string, input?: unknown): Promise<Answer>
  /** First item of a stream. */
  first<Item>(name: string): Promise<Item>
  signal(signal: NodeJS.Signals): void
  exited: Promise<{ code: number | null; signal: string | null }>
  /** SIGTERM, waited for; engines and daemons of its state folder are ended too, by their recorded pids. */
  close(): Promise<void>
}

export interface CoreFlags {
  scene?: string
  real?: boolean
  /** Kept by the caller; without it a private one, removed at close. */
  state?: string
  port?: number
  env?: Record<string, string>
  /** Default: the headless entry on this Node. */
  argv?: string[]
}

export async function openCore(flags: CoreFlags = {}): Promise<Core> {
  const state = flags.state ?? (await mkdtemp(join(tmpdir(), 'ov-')))
  const argv = flags.argv ?? [process.execPath, join(root, 'electron/headless.ts')]
  const more = ['--port', String(flags.port ?? 0), '--state', state, ...(flags.real ? ['--real'] : []), ...(flags.scene ? ['--scene', flags.scene] : [])]
  const child = spawn(argv[0]!, [...argv.slice(1), ...more], { cwd: root, env: { ...process.env, ...flags.env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  const exited = once(child, 'exit').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null }))
  const ready = await new Promise<RegExpExecArray>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += chunk
      const match = READY.exec(printed)
      if (match) resolve(match)
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    void exited.then(() => reject(new Error(`The product ended before it was ready:\n${printed}`)))
  })
  const [, url = '', , token = ''] = ready
  const ask = (path: string, init: RequestInit = {}) => fetch(`${url}api/${path}`, { ...init, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } })
  return {
    pid: child.pid!,
    url,
    token,
    state,
    printed: () => printed,
    exited,
    signal: (signal) => void child.kill(signal),
    async call<Answer>(name: string, input?: unknown) {
      const answer = await ask(name.replace('.', '/'), input === undefined ? {} : { method: 'POST', body: JSON.stringify(input) })
      const body = (await answer.json()) as Answer & { code: string; sentence: string; detail: string | null }
      if (!answer.ok) throw new Error(`${body.code}: ${body.sentence} ${body.detail ?? ''}`)
      return body
    },
    async first<Item>(name: string) {
      const controller = new AbortController()
      const answer = await ask(name.replace('.', '/'), { signal: controller.signal })
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
      let text = ''
      for (;;) {
        const { value, done } = await reader.read()
        text += value ?? ''
        const line = /^data: (.*)\n/m.exec(text)?.[1]
        if (line !== undefined) {
          controller.abort()
          return (JSON.parse(line) as { item: Item }).item
        }
        if (done) throw new Error(`${name} ended: ${text}`)
      }
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await exited
      }
      await endLeftovers(state)
      if (flags.state === undefined) await rm(state, { recursive: true, force: true })
    },
  }
}

/** Ends every process whose environment or arguments name the state folder: engines, keepers, daemons, servers. By pid, one by one. */
export async function endLeftovers(state: string): Promise<number[]> {
  const ended: number[] = []
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    const mentions = async (file: string) => (await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')).includes(`${state}/`)
    if (!((await mentions('cmdline')) || (await mentions('environ')))) continue
    try {
      process.kill(pid, 'SIGKILL')
      ended.push(pid)
    } catch {
      // gone meanwhile
    }
  }
  return ended
}

export type { ChildProcess }
