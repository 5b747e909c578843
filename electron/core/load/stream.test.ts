// Connections that an engine closes between two requests, without a word, as llama-server does. What an engine says is events.test.ts's.
import { createServer, type Socket } from 'node:net'
import { Client } from 'undici'
import { afterEach, expect, it } from 'vitest'
import { Disposer } from '../kit/disposer.ts'
import { Stream } from './stream.ts'

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nkeep-alive: timeout=5, max=100\r\n\r\n'
const EVENTS = 'data: {"choices":[{"text":"a","finish_reason":"length"}]}\n\ndata: [DONE]\n\n'
const ANSWER = `${HEAD}${EVENTS.length.toString(16)}\r\n${EVENTS}\r\n0\r\n\r\n`

let disposer = new Disposer()
afterEach(async () => {
  await disposer.close()
  disposer = new Disposer()
})

/** Whole answers for so many requests, then none; every connection is cut after its first request. */
async function engine(answers: number): Promise<{ client: Client; connections(): number }> {
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const nth = connections++
    sockets.add(socket.on('error', () => {}))
    socket.once('data', () => socket.end(nth < answers ? ANSWER : ''))
  })
  const port = Promise.withResolvers<number>()
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    port.resolve(typeof address === 'object' && address ? address.port : 0)
  })
  disposer.add(() => void server.close())
  disposer.add(() => sockets.forEach((socket) => socket.destroy()))
  const client = new Client(`http://127.0.0.1:${await port.promise}`, { pipelining: 1 })
  disposer.add(() => client.destroy())
  return { client, connections: () => connections }
}

/** Requests one after another at once, as callers send them; how each ended. */
async function ends(client: Client, requests: number): Promise<string[]> {
  const all: string[] = []
  const over = Promise.withResolvers<string[]>()
  const next = () => {
    if (all.length === requests) return over.resolve(all)
    const end = (how: string) => {
      all.push(how)
      next()
    }
    new Stream({ onText: () => {}, onFinished: () => end('finished'), onFailed: end }).send(client, { path: '/', headers: {}, body: '{}' }, all.length > 0)
  }
  next()
  return over.promise
}

it('sends once more what meets a kept connection that was closed', async () => {
  const { client, connections } = await engine(Infinity)
  expect(await ends(client, 4)).toEqual(['finished', 'finished', 'finished', 'finished'])
  expect(connections()).toBe(4)
})

it('sends no third time, and nothing again over a new connection', async () => {
  const { client } = await engine(1)
  expect(await ends(client, 2)).toEqual(['finished', 'the engine closed the connection'])
  const dead = await engine(0)
  expect(await ends(dead.client, 1)).toEqual(['the engine closed the connection'])
  expect(dead.connections()).toBe(1)
})
