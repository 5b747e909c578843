// Answers of every form, cut anywhere; then real servers: one connection for many pages, and what ends it.
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../kit/clock.ts'
import { HttpAnswer } from './httpAnswer.ts'
import { KeptConnection } from './keptConnection.ts'

const COUNTED = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\na 1\nb\n'
const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4;x=y\r\na 1\n\r\n2\r\nb\n\r\n0\r\nlate: 1\r\n\r\n'

describe('HttpAnswer', () => {
  const read = (text: string, pieceBytes: number) => {
    const answer = new HttpAnswer(100)
    for (let at = 0; at < text.length; at += pieceBytes) answer.push(Buffer.from(text.slice(at, at + pieceBytes), 'latin1'))
    return answer
  }

  it.each([1, 2, 7, 1000])('reads a length, chunks and the end of the connection in pieces of %d bytes', (pieceBytes) => {
    expect(read(COUNTED, pieceBytes)).toMatchObject({ status: 200, text: 'a 1\nb\n', done: true, keeps: true })
    expect(read(CHUNKED, pieceBytes)).toMatchObject({ status: 200, text: 'a 1\nb\n', done: true, keeps: true })
    const open = read('HTTP/1.1 200 OK\r\n\r\na 1\n', pieceBytes)
    expect(open).toMatchObject({ text: 'a 1\n', done: false, keeps: false })
    expect(open.end()).toBe(true)
    expect(read('HTTP/1.0 404 Not Found\r\ncontent-length: 0\r\n\r\n', pieceBytes)).toMatchObject({ status: 404, done: true, keeps: false })
    expect(read(COUNTED.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'), pieceBytes)).toMatchObject({ done: true, keeps: false })
  })

  it('is not whole before its end', () => {
    expect(read(COUNTED.slice(0, -1), 1000).end()).toBe(false)
    expect(read(CHUNKED.slice(0, -2), 1000).end()).toBe(false)
    expect(read('HTTP/1.1 200 OK\r\n', 1000).end()).toBe(false)
  })

  it.each([
    ['another protocol', 'SSH-2.0-x\r\n\r\n\r\n'],
    ['more than it said', `${COUNTED}c`],
    ['a second answer', CHUNKED + COUNTED],
    ['a chunk that does not end', CHUNKED.replace('a 1\n\r\n', 'a 1\nxx')],
    ['a chunk without a size', CHUNKED.replace('4;x=y', 'four')],
    ['a length that is none', COUNTED.replace('6', '-6')],
    ['an unknown coding', CHUNKED.replace('chunked', 'gzip')],
    ['a page that is too large', `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(101)}`],
    ['a head without end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}`],
  ])('refuses %s', (_, text) => {
    expect(() => read(text, 1000)).toThrow()
  })
})

describe('KeptConnection', () => {
  let server: Server | null = null
  afterEach(() => server?.close())
  const listen = async (made: Server) => {
    server = made.listen(0, '127.0.0.1')
    await once(made, 'listening')
    return (made.address() as AddressInfo).port
  }
  const answering = (answer: (socket: Socket, request: string) => void) => {
    const sockets: Socket[] = []
    const made = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {}).on('data', (request) => answer(socket, String(request)))
    })
    return { made, sockets }
  }

  it('asks one page after another over one connection, with their headers', async () => {
    let connections = 0
    const made = createHttp((request, response) => void response.end(`${request.url} ${request.headers.authorization}`))
    made.on('connection', () => (connections += 1))
    const port = await listen(made)
    const connection = new KeptConnection(systemClock)
    for (const path of ['/metrics', '/a?b=%20']) expect(await connection.get(port, path, { authorization: 'Bearer k' })).toMatchObject({ status: 200, text: `${path} Bearer k` })
    expect(connections).toBe(1)
  })

  it('opens another one when the last one ended, by either side', async () => {
    const { made, sockets } = answering((socket) => void socket.end(sockets.length === 1 ? 'HTTP/1.1 200 OK\r\n\r\nto the end' : COUNTED))
    const port = await listen(made)
    const connection = new KeptConnection(systemClock)
    expect((await connection.get(port, '/', {})).text).toBe('to the end')
    for (const count of [2, 3]) {
      expect((await connection.get(port, '/', {})).text).toBe('a 1\nb\n')
      await once(sockets[count - 1]!, 'close')
    }
  })

  it('rejects what is no whole page, and goes on with the next', async () => {
    const answers = ['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf', 'no HTTP\r\n\r\n', COUNTED]
    const { made } = answering((socket) => void socket.end(answers.shift() ?? ''))
    const port = await listen(made)
    const connection = new KeptConnection(systemClock)
    await expect(connection.get(port, '/', {})).rejects.toThrow()
    await expect(connection.get(port, '/', {})).rejects.toThrow()
    expect((await connection.get(port, '/', {})).text).toBe('a 1\nb\n')
    await expect(connection.get(1, '/', {})).rejects.toThrow()
  })

  it('sends nothing that would be another request or header', async () => {
    const connection = new KeptConnection(systemClock)
    await expect(connection.get(1, '/a b', {})).rejects.toThrow('cannot be sent')
    await expect(connection.get(1, '/a\r\nx: y', {})).rejects.toThrow('cannot be sent')
    await expect(connection.get(1, '/', { authorization: 'k\r\nx: y' })).rejects.toThrow('cannot be sent')
  })
})
