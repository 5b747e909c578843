import { expect, it } from 'vitest'
import { Disposer } from './disposer.ts'

it('closes last in, first out, all of them, and tells the first error', async () => {
  const disposer = new Disposer()
  const told: number[] = []
  for (const number of [1, 2, 3]) {
    disposer.add(async () => {
      await Promise.resolve()
      told.push(number)
      if (number > 1) throw new Error(`no ${number}`)
    })
  }
  await expect(disposer.close()).rejects.toThrow('no 3')
  expect(told).toEqual([3, 2, 1])
  await disposer.close()
  expect(told).toEqual([3, 2, 1])
})

it('what is added after the end is closed at once, and its failure hurts nobody', async () => {
  const disposer = new Disposer()
  await disposer.close()
  const told: string[] = []
  disposer.add(() => Promise.reject(new Error('nobody waits for this')))
  disposer.add(() => void told.push('closed'))
  await Promise.resolve()
  expect([told, disposer.closed]).toEqual([['closed'], true])
})
