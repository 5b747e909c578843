// The contract over all three links: the same answers, the same faults, streams that end, and readers that stall.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { RPCLink as PortRpcLink } from '@orpc/client/message-port'
import { RPCLink as SocketRpcLink } from '@orpc/client/websocket'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { PACE } from '../../shared/contract.ts'
import type { OwnCost } from '../../shared/contract.ts'
import { FaultError, type FaultCode } from '../../shared/fault.ts'
import { clientOf, faultInterceptor, readStream, type Client } from '../../renderer/link/client.ts'
import { PortLink, type Port } from '../app/portLink.ts'
import { answers } from '../core/answers.ts'
import { HandClock, systemClock } from '../core/kit/clock.ts'
import { silentLog } from '../core/kit/log.ts'
import { stand, type Stand } from './stand.testkit.ts'
import { WebServer } from './server.ts'

const TOKEN = 'a-token-for-these-tests'
const spec = {
  recipe: 'custom', name: 'A', gpuUuid: null, onMps: false, sharePercent: null, port: null, env: {}, cwd: null, restartBudget: 0, readyWithinSeconds: 10,
  argv: ['true'], healthPath: null, metricsPath: null, openAi: false,
} as const

const folder = mkdtempSync(join(tmpdir(), 'overlap-links-'))
let world: Stand
let server: WebServer
let port = 0

beforeAll(() => writeFileSync(join(folder, 'index.html'), '<meta nonce="__NONCE__"><p>shell</p>'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(async () => {
  world = stand()
  server = new WebServer({ answers: answers(world, silentLog), token: TOKEN, pageFolder: folder, version: '0', clock: new HandClock(), log: silentLog })
  port = await server.listen(0)
  return () => server.close()
})

const cost = (atMs: number): OwnCost => ({ atMs, corePercent: 1, toolsPercent: null, residentMiB: 1, eventLoopDelayP99Ms: 1 })
const openSocket = async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/link`, ['overlap.1', `overlap.token.${TOKEN}`])
  await once(socket, 'open')
  return socket
}
async function socketClient(): Promise<{ client: Client; close: () => void }> {
  const socket = await openSocket()
  return { client: clientOf(new SocketRpcLink({ websocket: socket as unknown as globalThis.WebSocket, interceptors: [faultInterceptor] })), close: () => socket.terminate() }
}
async function portClient(): Promise<{ client: Client; close: () => void }> {
  const { port1, port2 } = new MessageChannel()
  new PortLink(answers(world, silentLog)).accept(port1 as unknown as Port)
  const client = clientOf(new PortRpcLink({ port: port2 as unknown as Parameters<typeof String>[0], interceptors: [faultInterceptor] }))
  port1.start()
  port2.start()
  return { client, close: () => port2.close() }
}
const get = (path: string, headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }, init: RequestInit = {}) =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers, ...init })
const post = (path: string, body: unknown) =>
  get(path, { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) })

async function faultOf(call: Promise<unknown>): Promise<{ code: FaultCode; field: string | null }> {
  try {
    await call
  } catch (error) {
    if (error instanceof FaultError) return { code: error.fault.code, field: error.fault.field }
    throw error
  }
  throw new Error('no fault')
}

describe.each([['socket', socketClient], ['port', portClient]] as const)('the contract over a %s', (_name, open) => {
  it('answers calls', async () => {
    const { client, close } = await open()
    expect((await client.workstation.greeting()).hostName).toBe('stand')
    expect(await client.engine.add({ spec: { ...spec, env: {}, argv: ['true'] } })).toEqual({ id: 'e1' })
    close()
  })

  it('names the field at fault, and passes faults on whole', async () => {
    const { client, close } = await open()
    expect(await faultOf(client.engine.add({ spec: { ...spec, port: 80, env: {}, argv: ['true'] } }))).toEqual({ code: 'BAD_INPUT', field: 'spec.port' })
    expect(await faultOf(client.mps.start({ gpuUuid: 'GPU-none' }))).toEqual({ code: 'NOT_FOUND', field: 'gpuUuid' })
    await expect(client.engine.start({ id: 'e1' })).rejects.toMatchObject({ fault: { code: 'BUG', sentence: 'Overlap made a mistake.' } })
    close()
  })

  it('a stream begins with the present, goes on with changes, and closing it reaches its producer', async () => {
    const { client, close } = await open()
    world.cost.set(cost(1))
    const seen: number[] = []
    const controller = new AbortController()
    const reading = readStream(client, (c, signal) => c.workstation.cost(undefined, { signal }), (item) => {
      seen.push(item.atMs)
      if (item.atMs < 100) world.cost.set(cost(item.atMs + 1))
      else controller.abort()
    }, controller.signal)
    await reading
    expect(seen[0]).toBe(1)
    expect(seen.at(-1)).toBe(100)
    await expect.poll(() => world.cost.readers).toBe(0)
    close()
  })

  it('a dead link fails its streams with LINK_LOST and frees the producer', async () => {
    const { client, close } = await open()
    world.cost.set(cost(1))
    const reading = readStream(client, (c, signal) => c.workstation.cost(undefined, { signal }), () => close(), new AbortController().signal)
    expect(await faultOf(reading)).toMatchObject({ code: 'LINK_LOST' })
    await expect.poll(() => world.cost.readers).toBe(0)
  })
})

describe('the doorkeeper', () => {
  it('gives the page without a token, with a policy and a nonce, and nothing else', async () => {
    const page = await get('/', {})
    expect(page.status).toBe(200)
    const nonce = /'nonce-([^']+)'/.exec(page.headers.get('content-security-policy') ?? '')?.[1]
    expect(await page.text()).toBe(`<meta nonce="${nonce}"><p>shell</p>`)
    for (const path of ['/api/workstation/greeting', '/api/openapi.json', '/api/engine/list', '/api']) expect((await get(path, {})).status, path).toBe(401)
    for (const path of ['/../package.json', '/.stamp', '/%2e%2e/%2e%2e/etc/passwd', '/etc/passwd', '/index.html%00.js']) expect((await get(path, {})).status, path).not.toBe(200)
  })

  it.each([
    ['wrong token', { authorization: 'Bearer nope' }, 401, 'NO_TOKEN'],
    ['foreign origin', { authorization: `Bearer ${TOKEN}`, origin: 'http://evil.example' }, 403, 'FORBIDDEN_ORIGIN'],
  ] as const)('%s', async (_name, headers, status, code) => {
    const answer = await get('/api/workstation/greeting', headers)
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code])
  })

  const raw = (lines: string[]): Promise<string> =>
    new Promise((resolve) => {
      let text = ''
      const socket = connectTcp(port, '127.0.0.1', () => socket.write([...lines, '', ''].join('\r\n')))
      socket.on('data', (chunk) => (text += String(chunk)))
      socket.on('close', () => resolve(text))
      socket.on('error', () => resolve(text))
    })
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']

  it('a foreign Host is refused on both doors (DNS rebinding)', async () => {
    expect(await raw(['GET / HTTP/1.1', 'Host: evil.example', 'Connection: close'])).toMatch(/^HTTP\/1.1 403/)
    expect(await raw(['GET /link HTTP/1.1', 'Host: evil.example', ...upgrade, `Sec-WebSocket-Protocol: overlap.1, overlap.token.${TOKEN}`])).toMatch(/^HTTP\/1.1 403/)
  })

  it('a socket needs the token, never takes it from the address, and refuses foreign pages', async () => {
    const host = `Host: 127.0.0.1:${port}`
    expect(await raw(['GET /link HTTP/1.1', host, ...upgrade])).toMatch(/^HTTP\/1.1 401/)
    expect(await raw([`GET /link?token=${TOKEN} HTTP/1.1`, host, ...upgrade])).toMatch(/^HTTP\/1.1 401/)
    expect(await raw(['GET /link HTTP/1.1', host, ...upgrade, 'Origin: http://evil.example', `Sec-WebSocket-Protocol: overlap.1, overlap.token.${TOKEN}`])).toMatch(/^HTTP\/1.1 403/)
  })

  it('guessing is slowed down, and neither guesses nor callers without a token lock the right one out', async () => {
    for (let tries = 0; tries < 20; tries++) await get('/api/workstation/greeting', { authorization: `Bearer guess-${tries}` })
    expect((await get('/api/workstation/greeting', { authorization: 'Bearer guess' })).status).toBe(429)
    for (let tries = 0; tries < 50; tries++) await get('/api/workstation/greeting', {})
    expect((await get('/api/workstation/greeting')).status).toBe(200)
    expect((await get('/api/workstation/greeting', { authorization: `Bearer ${TOKEN}`, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status).toBe(403)
  })

  it('limits size and rate', async () => {
    expect((await post('/api/engine/add', JSON.stringify({ spec: 'x'.repeat(1_100_000) }))).status).toBe(413)
    const answers = await Promise.all(Array.from({ length: 450 }, () => get('/api/workstation/greeting').then((answer) => answer.status, () => 0)))
    expect(answers).toContain(429)
    const socket = await openSocket()
    socket.send('x'.repeat(1_100_000))
    expect((await once(socket, 'close'))[0]).toBe(1009)
  })

  it.each(['{', '[]', 'null', '{"i":1}', '{"i":"1","p":{"u":"/nothing/here"}}', '{"i":"2","p":{"u":"/engine/start","b":5}}', '\u0000'])('garbage %j on a socket harms nobody', async (garbage) => {
    const socket = await openSocket()
    socket.send(garbage)
    const other = await socketClient()
    expect((await other.client.workstation.greeting()).hostName).toBe('stand')
    other.close()
    socket.terminate()
  })
})

describe('plain HTTP', () => {
  it('answers calls, refuses with the Fault itself, and describes itself', async () => {
    expect(await (await get('/api/workstation/greeting')).json()).toMatchObject({ hostName: 'stand' })
    const refused = await post('/api/engine/add', { spec: { ...spec, port: 80 } })
    expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'BAD_INPUT', field: 'spec.port' }])
    expect(await (await post('/api/engine/add', '{broken')).json()).toMatchObject({ code: 'BAD_INPUT', field: null })
    expect(await (await post('/api/no/such', {})).json()).toMatchObject({ code: 'NOT_FOUND' })
    const bug = await post('/api/engine/start', { id: 'e1' })
    expect([bug.status, await bug.json()]).toMatchObject([500, { code: 'BUG' }])
    const document = (await (await get('/api/openapi.json')).json()) as { paths: Record<string, unknown> }
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/mps/start', '/engine/add', '/gpu/frames', '/host/commands']))
  })

  it('streams as server-sent events', async () => {
    world.cost.set(cost(7))
    const controller = new AbortController()
    const answer = await get('/api/workstation/cost', undefined, { signal: controller.signal })
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('"atMs":7')) text += (await reader.read()).value ?? ''
    controller.abort()
    await expect.poll(() => world.cost.readers).toBe(0)
  })
})

describe('a stalled reader', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const ITEMS = 20_000
  const SECONDS = 30
  const LIMIT_BYTES = 10 * 1024 * 1024

  it('grows the core by no more than 10 MB: 20,000 items of 1 KB over 30 s, on port, socket and HTTP, latest and every', async () => {
    // three readers that open both streams and then never read
    const asksFor = (name: string, id: string) => JSON.stringify({ i: id, p: { u: `/${name}`, b: { json: { id: 'e1', lines: 10 } } } })
    const socket = await openSocket()
    socket.send(asksFor('engine/log', '1'))
    socket.send(asksFor('workstation/advice', '2'))
    let httpBytes = 0
    const raws = ['/api/engine/log?id=e1&lines=10', '/api/workstation/advice'].map((path) => {
      const tcp = connectTcp(port, '127.0.0.1', () => tcp.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`))
      tcp.pause()
      return tcp
    })
    const { port1, port2 }: { port1: MessagePort; port2: MessagePort } = new MessageChannel()
    new PortLink(answers(world, silentLog)).accept(port1 as unknown as Port)
    port1.start()
    port2.postMessage(asksFor('engine/log', '1'))
    port2.postMessage(asksFor('workstation/advice', '2'))
    await expect.poll(() => world.advice.readers).toBe(3)
    socket.pause()

    collect()
    const before = process.memoryUsage()
    let peak = 0
    let made = 0
    const started = performance.now()
    await new Promise<void>((resolve) => {
      const stop = systemClock.every(50, () => {
        const due = Math.min(ITEMS, Math.floor(((performance.now() - started) / (SECONDS * 1000)) * ITEMS))
        for (; made < due; made++) {
          world.lines.push(`${made} `.padEnd(1024, 'x'))
          world.advice.set([{ id: String(made), gpuUuid: null, sentence: 'x'.repeat(1000), evidence: [], action: null }])
        }
        if (made % 4000 < 40 || made === ITEMS) {
          collect()
          const now = process.memoryUsage()
          peak = Math.max(peak, now.heapUsed + now.external - before.heapUsed - before.external)
        }
        if (made === ITEMS) {
          stop()
          resolve()
        }
      })
    })
    expect(peak).toBeLessThan(LIMIT_BYTES * 3) // three readers at once
    console.log(`stalled readers: ${(peak / 3 / 1024 / 1024).toFixed(1)} MB each in the heap`)

    // what lies in a port or in the kernel is not in the heap: the readers wake up and count what was sent to them
    let posted = 0
    for (let message = receiveMessageOnPort(port2); message; message = receiveMessageOnPort(port2)) posted += String(message.message).length
    const socketBytes = await new Promise<number>((resolve) => {
      let bytes = 0
      socket.on('message', (text: Buffer) => {
        bytes += text.length
        if (text.toString().startsWith('{"i":"3"')) resolve(bytes)
      })
      socket.resume()
      socket.send(asksFor('workstation/greeting', '3'))
    })
    const heard = raws.map(() => '')
    raws.forEach((tcp, at) => {
      tcp.on('data', (chunk) => {
        httpBytes += chunk.length
        heard[at] += String(chunk)
      })
      tcp.resume()
    })
    // what had been written before their waking comes first, then the newest
    await expect.poll(() => heard[0]?.includes('"19999 ') && heard[1]?.includes('"id":"19999"'), { timeout: 10_000 }).toBe(true)
    expect(httpBytes).toBeLessThan(LIMIT_BYTES)
    expect(posted).toBeLessThan(LIMIT_BYTES)
    expect(socketBytes).toBeLessThan(LIMIT_BYTES)
    for (const tcp of raws) tcp.destroy()
    socket.terminate()
    port2.close()
    await expect.poll(() => world.advice.readers).toBe(0)
  }, 90_000)

  it('gets no more than what it may leave unacknowledged, then the newest, told how many it missed', async () => {
    const { client, close } = await portClient()
    const controller = new AbortController()
    const iterator = (await client.engine.log({ id: 'e1', lines: 10 }, { signal: controller.signal }))[Symbol.asyncIterator]()
    const next = async () => {
      const result = await iterator.next()
      if (result.done) throw new Error('the stream ended')
      return result.value
    }
    const first = await next()
    expect(first).toMatchObject({ seq: 1, item: { kind: 'snapshot', entries: [] } })
    for (let line = 0; line < 20_000; line++) {
      world.lines.push(String(line))
      if (line % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    let last = first
    for (let count = 1; count < PACE.unacknowledged; count++) last = await next()
    expect(last.seq).toBe(PACE.unacknowledged)
    // an acknowledgement of what was never sent opens nothing
    await client.link.acknowledge({ stream: first.stream, seq: Number.MAX_SAFE_INTEGER })
    const newest = await next()
    expect(newest.dropped).toBeGreaterThan(1000)
    expect(newest.item.entries.at(-1)).toBe('19999')
    controller.abort()
    close()
  })
})
