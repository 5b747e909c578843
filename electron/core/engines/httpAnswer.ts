// One answer of HTTP/1.1, fed in pieces as they come from the connection. As much of the protocol as a small page needs: a length, chunks,
// or the end of the connection. Throws at what is none.

/** Beside the page itself. */
const HEAD_BYTES = 16 * 1024

export class HttpAnswer {
  status = 0
  /** Byte by byte: what is read of a metrics page is ASCII. */
  text = ''
  done = false
  /** Whether another question may follow on this connection; known with the head. */
  keeps = false
  readonly #pageBytes: number
  #reads: 'head' | 'counted' | 'toTheEnd' | 'chunkSize' | 'chunk' | 'chunkEnd' | 'trailer' = 'head'
  /** Bytes that the page or chunk still has. */
  #left = 0
  /** Of a head or line whose end has not come yet. */
  #half = ''

  constructor(pageBytes: number) {
    this.#pageBytes = pageBytes
  }

  push(bytes: Buffer): void {
    let rest = this.#half + bytes.toString('latin1')
    this.#half = ''
    while (rest !== '' && !this.done) rest = this.#read(rest)
    if (rest !== '') throw new Error('more came than was asked for')
    if (this.text.length > this.#pageBytes || this.#half.length > HEAD_BYTES) throw new Error('the page is too large')
  }

  /** The connection ended. Whether the answer is whole. */
  end(): boolean {
    if (this.#reads === 'toTheEnd') this.done = true
    return this.done
  }

  /** What follows the part that was read. */
  #read(rest: string): string {
    switch (this.#reads) {
      case 'head':
        return this.#upTo('\r\n\r\n', rest, (head) => this.#begin(head))
      case 'toTheEnd':
        this.text += rest
        return ''
      case 'counted':
        return this.#body(rest, () => (this.done = true))
      case 'chunk':
        return this.#body(rest, () => (this.#reads = 'chunkEnd'))
      case 'chunkEnd':
        return this.#upTo('\r\n', rest, (line) => {
          if (line !== '') throw new Error('a chunk is longer than it said')
          this.#reads = 'chunkSize'
        })
      case 'chunkSize':
        return this.#upTo('\r\n', rest, (line) => {
          const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(line)?.[1]
          if (size === undefined) throw new Error('no size of a chunk')
          this.#left = parseInt(size, 16)
          this.#reads = this.#left === 0 ? 'trailer' : 'chunk'
        })
      case 'trailer':
        return this.#upTo('\r\n', rest, (line) => (this.done = line === ''))
    }
  }

  #begin(head: string): void {
    const [first = '', ...lines] = head.split('\r\n')
    const [, minor, status] = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first) ?? []
    if (status === undefined || status.startsWith('1')) throw new Error('no answer of HTTP/1.1')
    const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim().toLowerCase()]))
    const length = headers.get('content-length')
    const coding = headers.get('transfer-encoding')
    if ((length !== undefined && !/^\d{1,9}$/.test(length)) || (coding !== undefined && coding !== 'chunked')) throw new Error('no length that can be read')
    this.status = Number(status)
    this.keeps = minor === '1' && headers.get('connection') !== 'close' && (length ?? coding) !== undefined
    this.#left = Number(length ?? 0)
    this.#reads = coding !== undefined ? 'chunkSize' : length !== undefined ? 'counted' : 'toTheEnd'
    this.done = this.#reads === 'counted' && this.#left === 0
  }

  #body(rest: string, whole: () => void): string {
    const part = rest.slice(0, this.#left)
    this.text += part
    this.#left -= part.length
    if (this.#left === 0) whole()
    return rest.slice(part.length)
  }

  #upTo(mark: string, rest: string, take: (line: string) => void): string {
    const end = rest.indexOf(mark)
    if (end < 0) this.#half = rest
    else take(rest.slice(0, end))
    return end < 0 ? '' : rest.slice(end + mark.length)
  }
}
