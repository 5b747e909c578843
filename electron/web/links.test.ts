// The contract over all three links: the same answers, the same faults, streams that end. Readers that stall: stalledReader.test.ts.
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { beforeEach, describe, expect, it } from 'vitest'
import { contract, type OwnCost } from '../../shared/contract.ts'
import { FAULT_STATUS, FaultError, type FaultCode } from '../../shared/fault.ts'
import { readStream } from '../../renderer/link/client.ts'
import { MAX_BODY_BYTES } from './api.ts'
import { Links, TOKEN } from './links.testkit.ts'
import type { Stand } from './stand.testkit.ts'

const spec = {
  recipe: 'custom', name: 'A', gpuUuid: null, onMps: false, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: null, env: {}, cwd: null, restartBudget: 0, readyWithinSeconds: 10,
  argv: ['true'], healthPath: null, metricsPath: null, openAi: false, sequences: null, kvTokens: null,
} as const

let links: Links
let world: Stand
let port = 0

beforeEach(async () => {
  links = await Links.open()
  world = links.world
  port = links.port
  return () => links.close()
})

const cost = (atMs: number): OwnCost => ({ atMs, corePercent: 1, toolsPercent: null, residentMiB: 1, eventLoopDelayP99Ms: 1 })
const openSocket = () => links.socket()
const socketClient = () => links.socketClient()
const portClient = () => links.portClient()
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

  it('refuses what changes the workstation while an experiment holds it, and nothing else', async () => {
    const { client, close } = await open()
    world.hold.set({ experimentId: 'x', sentence: 'The experiment “demo” runs.', sinceMs: 1 })
    const changes = [client.engine.add({ spec: { ...spec, env: {}, argv: ['true'] } }), client.engine.stop({ id: 'e1' }), client.mps.stop({ gpuUuid: 'g' }), client.mps.setLimits({ gpuUuid: 'g', of: 'default', sharePercent: 50, pinnedMemoryMiB: null })]
    for (const change of changes) expect(await faultOf(change)).toEqual({ code: 'HELD', field: null })
    expect((await client.workstation.greeting()).hostName).toBe('stand')
    expect(await faultOf(client.experiment.cancel({ id: 'x' }))).toEqual({ code: 'WRONG_STATE', field: null })
    world.hold.set(null)
    expect(await client.engine.add({ spec: { ...spec, env: {}, argv: ['true'] } })).toEqual({ id: 'e1' })
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
    await expect.poll(() => world.cost.readers, { timeout: 20_000 }).toBe(0)
    close()
  })

  it('says at once that nobody holds the workstation and nothing runs: a page that comes back must not keep what was before', async () => {
    const { client, close } = await open()
    const firstOf = async <Item>(items: AsyncIterable<{ item: Item }>) => (await items[Symbol.asyncIterator]().next() as IteratorYieldResult<{ item: Item }>).value.item
    expect(await firstOf(await client.workstation.hold())).toBeNull()
    expect(await firstOf(await client.experiment.now())).toBeNull()
    close()
  })

  it('a dead link fails its streams with LINK_LOST and frees the producer', async () => {
    const { client, close } = await open()
    world.cost.set(cost(1))
    const reading = readStream(client, (c, signal) => c.workstation.cost(undefined, { signal }), () => close(), new AbortController().signal)
    expect(await faultOf(reading)).toMatchObject({ code: 'LINK_LOST' })
    await expect.poll(() => world.cost.readers, { timeout: 20_000 }).toBe(0)
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
    const large = 'x'.repeat(MAX_BODY_BYTES)
    expect((await post('/api/engine/add', JSON.stringify({ spec: large }))).status).toBe(413)
    const answers = await Promise.all(Array.from({ length: 450 }, () => get('/api/workstation/greeting').then((answer) => answer.status, () => 0)))
    expect(answers).toContain(429)
    const socket = await openSocket()
    socket.send(`${large}x`)
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
  })

  it('describes every call, in words, with the Fault as the body of every refusal', async () => {
    const document = (await (await get('/api/openapi.json')).json()) as {
      paths: Record<string, Record<string, { summary?: string; responses: Record<string, { content: Record<string, { schema: { $ref?: string } }> }> }>>
      components: { schemas: Record<string, { properties: Record<string, unknown> }> }
    }
    const calls = Object.entries(contract).flatMap(([group, inGroup]) => Object.keys(inGroup).map((call) => `/${group}/${call}`))
    expect(Object.keys(document.paths).toSorted()).toEqual(calls.toSorted())
    for (const operation of Object.values(document.paths).flatMap((methods) => Object.values(methods))) {
      expect(operation.summary).toMatch(/^[A-Z].*\.$/)
      const refusals = Object.entries(operation.responses).filter(([status]) => status !== '200')
      expect(refusals.map(([status]) => Number(status))).toEqual([...new Set(Object.values(FAULT_STATUS))].toSorted((a, b) => a - b))
      for (const [, { content }] of refusals) expect(content['application/json']?.schema).toEqual({ $ref: '#/components/schemas/Fault' })
    }
    expect(Object.keys(document.components.schemas['Fault']!.properties)).toEqual(['code', 'sentence', 'hint', 'field', 'detail'])
  })

  it('streams as server-sent events', async () => {
    world.cost.set(cost(7))
    const controller = new AbortController()
    const answer = await get('/api/workstation/cost', undefined, { signal: controller.signal })
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('"atMs":7')) text += (await reader.read()).value ?? ''
    controller.abort()
    await expect.poll(() => world.cost.readers, { timeout: 20_000 }).toBe(0)
  })
})
