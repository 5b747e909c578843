// `npm run experiment` as a program: what it refuses at once, in a running core too, and that an early Ctrl-C leaves nothing.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

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

it('tells what a running core refuses, and ends with 2', async () => {
  const streams: Record<string, unknown> = { '/api/gpu/identities': [{}], '/api/gpu/frames': { streams: [] }, '/api/mps/daemons': [{ state: 'stopped' }], '/api/engine/list': [] }
  const server = createServer((request, response) => {
    const item = streams[request.url ?? '']
    if (item !== undefined) return void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`event: message\ndata: ${JSON.stringify({ item })}\n\n`)
    if (request.url === '/api/workstation/greeting') return void response.end(JSON.stringify({ simulated: true, scene: 'two-engines' }))
    response.writeHead(409).end(JSON.stringify({ code: 'HELD', sentence: 'Another experiment runs.', hint: 'Cancel it first.', field: null, detail: null }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  writeFileSync(join(folder, 'core.json'), JSON.stringify({ pid: process.pid, startTicks: null, ready: true, port: (server.address() as AddressInfo).port, token: 't' }))
  const { code, text } = await ended(['demo', '--out', join(folder, 'out'), '--state', folder])
  server.closeAllConnections()
  server.close()
  expect(text).toContain('Simulated workstation, scene two-engines')
  expect(text).toContain('Another experiment runs.\nCancel it first.')
  expect(code).toBe(2)
}, 30_000)

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
