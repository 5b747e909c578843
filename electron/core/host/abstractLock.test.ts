import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { AbstractLock } from './abstractLock.ts'

let next = 0
const freshName = () => `test-${process.pid}-${next++}`
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A process that takes the lock, prints 'mine', and lets it go when told so. */
function holder(name: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', `
    import { AbstractLock } from ${JSON.stringify(join(import.meta.dirname, 'abstractLock.ts'))}
    const lock = await AbstractLock.take(${JSON.stringify(name)}, { timeoutMs: 60000 })
    console.log(lock ? 'mine' : 'none')
    process.stdin.once('data', async () => { await lock.release(); console.log('released'); process.stdin.destroy() })
  `], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, says: async () => (await lines.next()).value, release: () => child.stdin.write('go\n') }
}

describe('AbstractLock', () => {
  it('is held by one, and free again after release', async () => {
    const name = freshName()
    const lock = await AbstractLock.take(name, { timeoutMs: 0 })
    expect(lock).not.toBe(null)
    expect(await AbstractLock.take(name, { timeoutMs: 0 })).toBe(null)
    expect(await AbstractLock.take(name, { timeoutMs: 50 })).toBe(null)
    expect(await AbstractLock.take(freshName(), { timeoutMs: 0 })).not.toBe(null)
    await lock?.release()
    await lock?.release()
    expect(await AbstractLock.take(name, { timeoutMs: 0 })).not.toBe(null)
  })

  it('passes between processes when the holder lets go', async () => {
    const name = freshName()
    const other = holder(name)
    expect(await other.says()).toBe('mine')
    expect(await AbstractLock.take(name, { timeoutMs: 0 })).toBe(null)
    const waiting = AbstractLock.take(name, { timeoutMs: 60_000 })
    other.release()
    expect(await waiting).not.toBe(null)
    expect(await other.says()).toBe('released')
  })

  it('is freed by the kernel when the holder is killed', async () => {
    const name = freshName()
    const other = holder(name)
    expect(await other.says()).toBe('mine')
    const waiting = AbstractLock.take(name, { timeoutMs: 60_000 })
    other.child.kill('SIGKILL')
    expect(await waiting).not.toBe(null)
  })

  it('lets only one in at a time, among many who wait', async () => {
    const name = freshName()
    let inside = 0
    let most = 0
    const turns = await Promise.all(Array.from({ length: 20 }, async () => {
      const lock = await AbstractLock.take(name, { timeoutMs: 60_000 })
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setImmediate(resolve))
      inside -= 1
      await lock?.release()
      return lock !== null
    }))
    expect(turns).toEqual(Array.from({ length: 20 }, () => true))
    expect(most).toBe(1)
  })

  it('ends the wait when told so', async () => {
    const name = freshName()
    const lock = await AbstractLock.take(name, { timeoutMs: 0 })
    const over = new AbortController()
    const waiting = AbstractLock.take(name, { timeoutMs: 60_000, signal: over.signal })
    over.abort()
    expect(await waiting).toBe(null)
    await lock?.release()
  })

  it('takes names longer than a socket address holds, and tells them apart', async () => {
    const name = `state:/${'long/'.repeat(60)}${freshName()}`
    const lock = await AbstractLock.take(name, { timeoutMs: 0 })
    expect(await AbstractLock.take(name, { timeoutMs: 0 })).toBe(null)
    expect(await AbstractLock.take(name + 'x', { timeoutMs: 0 })).not.toBe(null)
    await lock?.release()
  })
})
