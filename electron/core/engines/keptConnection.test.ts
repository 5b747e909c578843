// Real servers: one connection for many pages, and what ends it.
import { once } from 'node:events'
import { createServer as createHttp } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { HandClock, systemClock } from '../kit/clock.ts'
import { KeptConnection } from './keptConnection.ts'

const COUNTED = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\na 1\nb\n'

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
    const wrong = ['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf', 'no HTTP\r\n\r\n', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n', 'HTTP/1.1 100 Continue\r\n\r\n', '']
    const answers = [...wrong, COUNTED]
    const { made } = answering((socket) => void socket.end(answers.shift() ?? ''))
    const port = await listen(made)
    const connection = new KeptConnection(systemClock)
    for (const _ of wrong) await expect(connection.get(port, '/', {})).rejects.toThrow()
    expect((await connection.get(port, '/', {})).text).toBe('a 1\nb\n')
    await expect(connection.get(1, '/', {})).rejects.toThrow()
  })

  it('reads no page that never ends, however fast or slow it comes', async () => {
    const clock = new HandClock()
    const drop = (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\n\r\na 1\n')
    const asked = vi.fn(drop)
    const slow = answering(asked)
    const port = await listen(slow.made)
    const reading = new KeptConnection(clock).get(port, '/', {})
    await vi.waitFor(() => expect(asked).toHaveBeenCalled())
    await clock.advance(5_000)
    slow.sockets[0]!.write('b 2\n')
    await expect(reading).rejects.toThrow('too slow')
    server!.close()
    const large = answering((socket) => void (drop(socket), socket.write('x'.repeat(1024 * 1024))))
    await expect(new KeptConnection(clock).get(await listen(large.made), '/', {})).rejects.toThrow('too large')
  })

  it('sends nothing that would be another request or header', async () => {
    const connection = new KeptConnection(systemClock)
    await expect(connection.get(1, '/a b', {})).rejects.toThrow('character')
    await expect(connection.get(1, '/a\r\nx: y', {})).rejects.toThrow('character')
    await expect(connection.get(1, '/', { authorization: 'k\r\nx: y' })).rejects.toThrow('character')
  })
})
