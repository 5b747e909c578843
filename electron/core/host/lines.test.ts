import { describe, expect, it } from 'vitest'
import { Lines, LONGEST_LINE } from './lines.ts'

function read(chunks: (string | Uint8Array)[]) {
  const got: string[] = []
  const lines = new Lines((line) => got.push(line))
  for (const chunk of chunks) lines.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  return { got, rest: lines.rest, cut: lines.cut }
}

describe('Lines', () => {
  it.each([
    ['one piece', ['a\nb\n'], ['a', 'b'], ''],
    ['token by token', ['2026/', '11', ', 93', '\n'], ['2026/11, 93'], ''],
    ['CRLF, split between', ['a\r', '\nb\r\n'], ['a', 'b'], ''],
    ['a lone CR inside', ['a\rb\n'], ['a\rb'], ''],
    ['empty lines', ['\n\na\n'], ['', '', 'a'], ''],
    ['half a line is no line', ['a\n    1      - '], ['a'], '    1      - '],
  ])('%s', (_, chunks, got, rest) => {
    expect(read(chunks)).toEqual({ got, rest, cut: 0 })
  })

  it('puts characters together that were split at every byte', () => {
    const bytes = Buffer.from('µ 40 °C — 🟩\n')
    expect(read([...bytes].map((byte) => Uint8Array.of(byte))).got).toEqual(['µ 40 °C — 🟩'])
  })

  it('cuts a giant line once, keeps the next, and holds no more than the cut', () => {
    const piece = 'x'.repeat(10_000)
    const { got, cut, rest } = read([...Array.from({ length: 100 }, () => piece), '\nnext\n', ...Array.from({ length: 50 }, () => piece)])
    expect(got.map((line) => line.length)).toEqual([LONGEST_LINE, 4])
    expect(cut).toBe(2)
    expect(rest.length).toBe(LONGEST_LINE)
  })
})
