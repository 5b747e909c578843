// Readers that open streams and then stop reading: the core must not grow with them.
import { connect as connectTcp } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { beforeEach, describe, expect, it } from 'vitest'
import { PACE } from '../../shared/contract.ts'
import { PortLink, type Port } from '../app/portLink.ts'
import { answers } from '../core/answers.ts'
import { systemClock } from '../core/kit/clock.ts'
import { silentLog } from '../core/kit/log.ts'
import { Links, TOKEN } from './links.testkit.ts'
import type { Stand } from './stand.testkit.ts'

let links: Links
let world: Stand
let port = 0

beforeEach(async () => {
  links = await Links.open()
  world = links.world
  port = links.port
  return () => links.close()
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
    const socket = await links.socket()
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
    await expect.poll(() => world.advice.readers, { timeout: 20_000 }).toBe(3)
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
    expect(peak).toBeLessThan(LIMIT_BYTES) // of all three readers together
    console.log(`stalled readers: ${(peak / 1024 / 1024).toFixed(1)} MB in the heap, three readers together`)

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
    await expect.poll(() => heard[0]?.includes('"19999 ') && heard[1]?.includes('"id":"19999"'), { timeout: 20_000 }).toBe(true)
    expect(httpBytes).toBeLessThan(LIMIT_BYTES)
    expect(posted).toBeLessThan(LIMIT_BYTES)
    expect(socketBytes).toBeLessThan(LIMIT_BYTES)
    for (const tcp of raws) tcp.destroy()
    socket.terminate()
    port2.close()
    await expect.poll(() => world.advice.readers, { timeout: 20_000 }).toBe(0)
  }, 90_000)

  it('gets no more than what it may leave unacknowledged, then the newest, told how many it missed', async () => {
    const { client, close } = await links.portClient()
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

  it('that falls behind again and again is never sent a whole queue at once', async () => {
    const { client, close } = await links.portClient()
    const controller = new AbortController()
    const iterator = (await client.engine.log({ id: 'e1', lines: 10 }, { signal: controller.signal }))[Symbol.asyncIterator]()
    let [taken, dropped] = [0, 0]
    for (let made = 0; made < 20_000 || taken + dropped < made;) {
      // 2 MB come before the reader looks again
      for (let line = 0; line < 2000 && made < 20_000; line++) world.lines.push(`${made++} `.padEnd(1024, 'x'))
      const next = await iterator.next()
      if (next.done) throw new Error('the stream ended')
      const { item, stream, seq, dropped: missed } = next.value
      const characters = item.entries.reduce((sum, line) => sum + line.length, 0)
      expect(characters).toBeLessThan(300 * 1024)
      dropped += missed
      for (const line of item.entries) if (item.kind === 'changes') expect(Number.parseInt(line, 10)).toBe(taken++ + dropped)
      await client.link.acknowledge({ stream, seq })
    }
    expect(taken).toBeGreaterThan(1000)
    controller.abort()
    close()
  })
})
