// A server that opens up one step at a time, and one that never gets further.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { HandClock, systemClock } from '../kit/clock.ts'
import { reachReady, type Findings } from './readiness.ts'
import type { Doors } from './recipes/recipe.ts'
import { Scraper } from './scrape.ts'

const DOORS: Doors = { healthPath: '/health', openAi: true, metricsPath: '/metrics', apiKey: 'sesame' }
let server: Server | null = null
afterEach(() => void server?.close())

async function serve(answer: (path: string, asked: number) => [number, string]): Promise<{ port: number; paths: string[] }> {
  const paths: string[] = []
  server = createServer((request, response) => {
    const path = request.url ?? ''
    paths.push(path)
    const [status, body] = request.headers.authorization === 'Bearer sesame' ? answer(path, paths.filter((other) => other === path).length) : [401, '']
    response.writeHead(status).end(body)
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, paths }
}

/** Gives up at the third pause; it does not wait. */
async function probe(port: number, change: { doors?: Partial<Doors>; skipToken?: boolean } = {}) {
  const steps: string[] = []
  const findings: Findings = { obstacle: '', model: null }
  const over = new AbortController()
  let pauses = 0
  const clock = { ...systemClock, sleep: async () => void ((pauses += 1) === 3 && over.abort()) }
  const ready = await reachReady({ port, doors: { ...DOORS, ...change.doors }, skipToken: change.skipToken ?? false, clock, signal: over.signal, onStep: (step) => steps.push(step) }, findings)
  return { ready, steps, obstacle: findings.obstacle }
}

const MODELS = '{"data":[{"id":"m"}]}'
const good = (path: string): [number, string] => [200, path === '/v1/models' ? MODELS : path === '/v1/completions' ? '{"choices":[{}]}' : '{}']

describe('reachReady', () => {
  it('repeats each step until it holds, with the API key', async () => {
    const { port, paths } = await serve((path, asked) => {
      if (path === '/health' && asked === 1) return [503, '']
      if (path === '/v1/models' && asked === 1) return [200, '{"data":[]}']
      return good(path)
    })
    expect(await probe(port)).toEqual({ ready: true, steps: ['portOpen', 'healthy', 'modelListed', 'oneToken'], obstacle: '' })
    expect(paths).toEqual(['/health', '/health', '/v1/models', '/v1/models', '/v1/completions'])
  })
  it.each([
    ['health', (path: string): [number, string] => (path === '/health' ? [500, ''] : good(path)), ['portOpen'], '/health answered 500'],
    ['no model', (path: string): [number, string] => (path === '/v1/models' ? [200, 'not json'] : good(path)), ['portOpen', 'healthy'], '/v1/models lists no model'],
    ['no token', (path: string): [number, string] => (path === '/v1/completions' ? [200, '{"choices":[]}'] : good(path)), ['portOpen', 'healthy', 'modelListed'], '/v1/completions answered without a completion'],
  ])('stays where it fails and says so: %s', async (_, answer, steps, obstacle) => {
    const { port } = await serve(answer)
    expect(await probe(port)).toEqual({ ready: false, steps, obstacle })
  })
  it('asks no more than the engine offers', async () => {
    const { port, paths } = await serve(good)
    expect(await probe(port, { doors: { healthPath: null, openAi: false } })).toMatchObject({ ready: true, steps: ['portOpen'] })
    expect(await probe(port, { skipToken: true })).toMatchObject({ ready: true, steps: ['portOpen', 'healthy', 'modelListed'] })
    expect(paths).not.toContain('/v1/completions')
  })
  it('names a port that is not open', async () => {
    const { port } = await serve(good)
    await new Promise((resolve) => server?.close(resolve))
    expect(await probe(port)).toEqual({ ready: false, steps: [], obstacle: `port ${port} is not open` })
  })
})

describe('Scraper', () => {
  it('gives rates of the present only, starts anew with the counter, and survives pages without sense', async () => {
    let page = 'vllm:generation_tokens_total 100'
    const { port } = await serve(() => [200, page])
    const clock = new HandClock()
    const scraper = new Scraper(clock)
    const read = async (text: string) => {
      page = text
      await scraper.read(port, DOORS)
      return scraper.rates.generatedTokensPerSecond
    }
    expect(await read('vllm:generation_tokens_total 100')).toBeNull()
    await clock.advance(1000)
    expect(await read('vllm:generation_tokens_total 350')).toBe(250)
    await clock.advance(1000)
    expect(await read('vllm:generation_tokens_total 10')).toBeNull()
    await clock.advance(1000)
    expect(await read('vllm:generation_tokens_total 30')).toBe(20)
    clock.setWall(-3_600_000) // neither a rate nor its age minds a clock that is set
    await clock.advance(1000)
    expect(await read('vllm:generation_tokens_total 70')).toBe(40)
    const readAtMs = clock.now()
    clock.setWall(7_200_000)
    expect(scraper.rates.generatedTokensPerSecond).toBe(40)
    clock.setWall(-7_200_000)
    await clock.advance(6000)
    expect(scraper.rates).toMatchObject({ generatedTokensPerSecond: null, readAtMs })
    expect(await read('<html>'.repeat(300_000))).toBeNull()
  })

  it('does not wait for ever for a page that comes in drops', async () => {
    const clock = Object.assign(new HandClock(), { now: () => 0 }) // a wall clock that was set back
    const scraper = new Scraper(clock)
    let drip = () => {}
    let hungUp = false
    server = createServer((_, response) => {
      drip = () => void response.write('# a drop\n')
      response.on('close', () => (hungUp = true))
      drip()
    })
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const reading = scraper.read(port, DOORS)
    // from the first drop on, whenever it comes, each next one finds that much more time gone
    const dripping = setInterval(() => void clock.advance(1_000).then(() => drip()), 20)
    await reading
    clearInterval(dripping)
    await vi.waitFor(() => expect(hungUp).toBe(true), { timeout: 20_000 })
    expect(scraper.rates.readAtMs).toBeNull()
  })
})
