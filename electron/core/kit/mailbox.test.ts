import { expect, it } from 'vitest'
import { Mailbox } from './mailbox.ts'

it('handles one letter at a time, in order; a failure is its sender\'s only', async () => {
  const mailbox = new Mailbox()
  const told: string[] = []
  let release = () => {}
  const first = mailbox.post(() => new Promise<void>((resolve) => {
    told.push('first began')
    release = () => {
      told.push('first ended')
      resolve()
    }
  }))
  const second = mailbox.post(() => {
    told.push('second')
    throw new Error('no')
  })
  const third = mailbox.post(() => 3)
  expect(mailbox.size).toBe(3)
  await Promise.resolve()
  expect(told).toEqual(['first began'])
  release()
  await first
  await expect(second).rejects.toThrow('no')
  expect(await third).toBe(3)
  await mailbox.idle()
  expect([told, mailbox.size]).toEqual([['first began', 'first ended', 'second'], 0])
})
