import { describe, expect, it } from 'vitest'
import { keepEqual } from './keepEqual.ts'

describe('keepEqual', () => {
  it('gives back the same object where nothing differs', () => {
    const before = { list: [{ id: 'a', deep: { one: 1, none: null } }], text: 'x' }
    expect(keepEqual(before, structuredClone(before))).toBe(before)
  })
  it('keeps equal parts of what differs', () => {
    const before = [{ id: 'a', pids: [1, 2] }, { id: 'b', pids: [3] }]
    const now = keepEqual(before, [{ id: 'a', pids: [1, 2] }, { id: 'b', pids: [3, 4] }])
    expect(now).not.toBe(before)
    expect(now[0]).toBe(before[0])
    expect(now[1]).toEqual({ id: 'b', pids: [3, 4] })
  })
  it.each([
    [{ a: undefined }, { b: undefined }], [{ a: 1, b: 2 }, { a: 1 }], [{ a: 1 }, { a: 1, b: 2 }], [[1, 2], [2, 1]], [null, { a: 1 }], [{ a: 1 }, null], [[], {}], [{ 0: 1 }, [1]], [1, '1'],
  ])('sees that %j is not %j', (before, now) => {
    const wanted = structuredClone(now)
    const kept = keepEqual(before, now)
    expect(kept).toEqual(wanted)
    expect(kept).not.toBe(before)
  })
})
