import { expect, it } from 'vitest'
import { Feed, Topic } from './topic.ts'

it('a topic tells readers what comes, and keeps the newest', () => {
  const topic = new Topic(1)
  const told: number[] = []
  const end = topic.subscribe((value) => {
    told.push(value)
    if (value === 3) end() // while it is being told
  })
  topic.set(2)
  topic.set(3)
  topic.set(4)
  expect([told, topic.value, topic.readers]).toEqual([[2, 3], 4, 0])
})

it('a feed keeps the newest entries; the same entry again takes its place', () => {
  const feed = new Feed<{ id: number; text: string }>(3, (a, b) => a.id === b.id)
  const told: string[] = []
  feed.subscribe(({ text }) => told.push(text))
  for (const id of [1, 2, 3, 4]) feed.push({ id, text: `${id} began` })
  feed.push({ id: 3, text: '3 ended' })
  expect(feed.kept.map(({ text }) => text)).toEqual(['2 began', '3 ended', '4 began'])
  expect(told).toEqual(['1 began', '2 began', '3 began', '4 began', '3 ended'])
})
