// `npm run experiment` as a program: what it refuses at once, in a running core too, and that an early Ctrl-C leaves nothing.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parseReport } from './core/experiments/exports/json.ts'
import { syntheticReport } from './core/experiments/report.testkit.ts'

const PROGRAM = join(import.meta.dirname, 'experiment.ts')
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlap-cli-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }))

/** `onText`: what it has printed so far. */
async function ended(words: string[], onText: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => {}): Promise<{ code: number | null; text: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...words], { env: { ...process.env, TMPDIR: folder }, stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    onText(text, (signal) => void child.kill(signal))
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, text }
}

it.each([
  ['a file that is not there', () => ['no-such-experiment', '--out', join(folder, 'out')], 'cannot be read'],
  ['a flag that nobody knows', () => ['demo', '--outt', join(folder, 'out')], '--outt is not understood.'],
  ['a folder that cannot be made', () => ['demo', '--out', join(folder, 'file', 'out')], 'cannot be made'],
  ['a scene that there is not', () => ['demo', '--out', join(folder, 'out'), '--scene', 'no-such'], 'There is no scene'],
])('refuses %s at once, and leaves nothing', async (_, words, sentence) => {
  writeFileSync(join(folder, 'file'), '')
  const { code, text } = await ended(words())
  expect(text).toContain(sentence)
  expect(text).not.toMatch(/^ {4}at /m)
  expect(code).toBe(2)
  expect(readdirSync(folder).filter((name) => name.startsWith('overlap-'))).toEqual([])
}, 30_000)

const STREAMS: Record<string, unknown> = { '/api/gpu/identities': [{}], '/api/gpu/frames': { streams: [] }, '/api/mps/daemons': [{ state: 'stopped' }], '/api/engine/list': [] }

/** A core that answers as told, found through core.json in `folder`. A string is a stream that breaks off. */
async function runningCore(answers: Record<string, { status?: number; body: unknown } | 'breaks off'>): Promise<() => void> {
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const item = STREAMS[path]
    if (item !== undefined) return void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`event: message\ndata: ${JSON.stringify({ item })}\n\n`)
    if (path === '/api/workstation/greeting') return void response.end(JSON.stringify({ simulated: true, scene: 'two-engines' }))
    const answer = answers[path]
    if (answer === undefined) return void response.writeHead(404).end('{}')
    if (answer === 'breaks off') return void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: message\n', () => response.destroy())
    response.writeHead(answer.status ?? 200).end(JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  writeFileSync(join(folder, 'core.json'), JSON.stringify({ pid: process.pid, startTicks: null, ready: true, port: (server.address() as AddressInfo).port, token: 't' }))
  return () => {
    server.closeAllConnections()
    server.close()
  }
}

it('tells what a running core refuses, and ends with 2', async () => {
  const close = await runningCore({ '/api/experiment/start': { status: 409, body: { code: 'HELD', sentence: 'Another experiment runs.', hint: 'Cancel it first.', field: null, detail: null } } })
  const { code, text } = await ended(['demo', '--out', join(folder, 'out'), '--state', folder])
  close()
  expect(text).toContain('Simulated workstation, scene two-engines')
  expect(text).toContain('Another experiment runs.\nCancel it first.')
  expect(code).toBe(2)
}, 30_000)

it('goes on with a report.json, and never with another experiment than the one that was named', async () => {
  const report = syntheticReport()
  const path = join(folder, 'report.json')
  writeFileSync(path, JSON.stringify(report))
  const close = await runningCore({
    '/api/experiment/importReport': { body: { id: report.id } }, '/api/experiment/report': { body: report },
    '/api/experiment/start': { status: 409, body: { code: 'HELD', sentence: 'It would have gone on.', hint: 'Well.', field: null, detail: null } },
  })
  const other = await ended(['demo', '--resume', path, '--out', join(folder, 'out'), '--state', folder])
  const alone = await ended(['--resume', path, '--out', join(folder, 'out'), '--state', folder])
  writeFileSync(join(folder, 'same.yaml'), JSON.stringify(report.plan.file))
  const same = await ended([join(folder, 'same.yaml'), '--resume', path, '--out', join(folder, 'out'), '--state', folder])
  close()
  expect(other).toMatchObject({ code: 2, text: expect.stringContaining('the file is another experiment') as string })
  for (const one of [alone, same]) expect(one).toMatchObject({ code: 2, text: expect.stringContaining('It would have gone on.') as string })
}, 60_000)

it('a core that is lost on the way is no refusal: it ends with 1', async () => {
  const close = await runningCore({ '/api/experiment/start': { body: { id: 'x1' } }, '/api/experiment/now': 'breaks off' })
  const { code, text } = await ended(['demo', '--out', join(folder, 'out'), '--state', folder])
  close()
  expect(text).toMatch(/does not answer any more|ended before the experiment did/)
  expect(code).toBe(1)
}, 30_000)

/** One short block of one engine. */
const SHORTEST = {
  version: 1, title: 'Shortest', question: 'Does it go through?', arms: [{ id: 'single', name: 'One engine', kind: 'single', engines: 1 }],
  load: { api: 'completions', prompt: { shape: 'fixed', tokens: 32 }, output: { shape: 'fixed', tokens: 32 }, arrivals: { kind: 'poisson', perSecond: 20 }, regime: 'equalTotal', ignoreEos: true, streamIntervalTokens: 16, goodput: null, seed: 1 },
  blocks: { rounds: 1, seconds: 2, warmUpSeconds: 0, coolDownSeconds: 0 }, residency: 'cold',
}

it('runs to its end on a scene of its own, though nobody listens any more, and leaves the report and nothing else', async () => {
  const path = join(folder, 'shortest.json')
  writeFileSync(path, JSON.stringify(SHORTEST))
  const child = spawn(process.execPath, [PROGRAM, path, '--out', join(folder, 'out'), '--scene', 'mps-off'], { env: { ...process.env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  child.stderr.once('data', () => child.stderr.destroy())
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  const report = parseReport(readFileSync(join(folder, 'out', 'report.json'), 'utf8'))
  expect(report).toMatchObject({ simulated: true, scene: 'mps-off', cellsDone: [0] })
  expect(code).toBe(report.outcome === 'valid' ? 0 : 1)
  expect(readdirSync(join(folder, 'out')).sort()).toEqual(['report.csv', 'report.html', 'report.json', 'report.md'])
  expect(readdirSync(folder).sort()).toEqual(['out', 'shortest.json'])
}, 120_000)

it('Ctrl-C before the experiment has begun takes down the scene that came with it', async () => {
  let pressed = false
  const { code, text } = await ended(['demo', '--out', join(folder, 'out'), '--scene', 'slow-load'], (said, kill) => {
    if (pressed || !said.includes('Simulated workstation')) return
    pressed = true
    kill('SIGINT')
  })
  expect(text).not.toMatch(/^ {4}at /m)
  expect(code).toBe(1)
  expect(readdirSync(folder)).toEqual(['out'])
}, 60_000)
