// An engine that costs next to nothing, a program of its own: writes ready-made chunks, 50 a second, to every stream, and counts them.
// GET /written: how many so far. `?chunks=N` ends a stream after so many; without it, none ends.
import { createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

export const STREAM_SERVER = fileURLToPath(import.meta.url)
export const CHUNKS_PER_SECOND = 50
const SLOTS = 20

const frame = (text: string) => Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`)
const event = (word: string) => `data: ${JSON.stringify({ id: 'cmpl-5f0c7a4e9d3b4a7c8e21', object: 'text_completion', created: 1_764_000_000, model: 'Qwen/Qwen2.5-0.5B-Instruct', choices: [{ index: 0, text: word, logprobs: null, finish_reason: null, stop_reason: null }], usage: null })}\n\n`
const CHUNKS = [' the', ' of', ' overlapping', ' kernels', ',', ' and', ' "time', '"', ' is', ' shared', '.', '\n', ' A', ' GPU', ' warp', ' waits'].map((word) => frame(event(word)))
const HEAD = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n')
const END = Buffer.concat([frame('data: [DONE]\n\n'), Buffer.from('0\r\n\r\n')])

interface Stream { socket: Socket; left: number; nth: number }

function serve(): void {
  const slots: Set<Stream>[] = Array.from({ length: SLOTS }, () => new Set())
  let written = 0
  let opened = 0
  const write = (stream: Stream) => {
    stream.socket.write(CHUNKS[stream.nth++ % CHUNKS.length]!)
    written += 1
    stream.left -= 1
    return stream.left > 0
  }
  const server = createServer((socket) => {
    let stream: Stream | null = null
    let slot = slots[0]!
    socket.setNoDelay(true).on('error', () => {}).on('close', () => stream && slot.delete(stream))
    socket.on('data', (piece) => {
      if (stream && stream.left > 0) return // the rest of its request
      const head = piece.toString('latin1', 0, 200)
      if (head.startsWith('GET /written')) return void socket.end(`HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n${written}`)
      socket.write(HEAD)
      stream = { socket, left: Number(/chunks=(\d+)/.exec(head)?.[1] ?? Infinity), nth: opened }
      slot = slots[opened++ % SLOTS]!
      slot.add(stream)
    })
  })
  let due = performance.now()
  let turn = 0
  const tick = () => {
    if (due < performance.now() - 20) due = performance.now() // too slow to catch up: it must still hear
    for (let most = SLOTS; most > 0 && due <= performance.now(); most--, due += 1000 / CHUNKS_PER_SECOND / SLOTS) {
      const slot = slots[turn++ % SLOTS]!
      for (const stream of slot) {
        if (write(stream)) continue
        slot.delete(stream)
        stream.socket.write(END)
      }
    }
    setTimeout(tick, Math.max(0, due - performance.now()))
  }
  tick()
  server.listen(0, '127.0.0.1', 4096, () => {
    const address = server.address()
    process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`)
  })
  process.stdin.on('end', () => process.exit(0)).resume()
}

if (import.meta.main) serve()
