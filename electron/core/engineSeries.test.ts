// Engines come and go; what is kept of them.
import { expect, it } from 'vitest'
import { NOT_SEEN } from './engines/engineParts.ts'
import { NO_RATES } from './engines/rates.ts'
import { dropWithEngines, seriesOfEngines } from './engineSeries.ts'
import { History } from './gpu/history.ts'
import { Topic } from './kit/topic.ts'

const engine = (id: string, more: { tokens?: number; attached?: boolean } = {}) => ({
  id, gpuMemoryMiB: null, rates: { ...NO_RATES, generatedTokensPerSecond: more.tokens ?? null },
  attachment: more.attached === undefined ? NOT_SEEN : { ...NOT_SEEN, state: more.attached ? 'attached' as const : 'notAttached' as const },
})

it('what is not known stays null, never 0', () => {
  expect(seriesOfEngines([engine('a'), engine('b', { tokens: 0, attached: false }), engine('c', { tokens: 7, attached: true })])).toEqual({
    'engine/a/generatedTokensPerSecond': null, 'engine/a/gpuMemoryMiB': null, 'engine/a/attached': null,
    'engine/b/generatedTokensPerSecond': 0, 'engine/b/gpuMemoryMiB': null, 'engine/b/attached': 0,
    'engine/c/generatedTokensPerSecond': 7, 'engine/c/gpuMemoryMiB': null, 'engine/c/attached': 1,
  })
})

it('drops the past of removed engines, also of those that were there before, so that the history never fills up', () => {
  const history = new History()
  const engines = new Topic([engine('first', { tokens: 1 }), engine('kept', { tokens: 1 })])
  const add = (atMs: number) => history.add(atMs, seriesOfEngines(engines.value))
  const known = (id: string) => history.window([`engine/${id}/generatedTokensPerSecond`], 0, 1e9, 10).series[`engine/${id}/generatedTokensPerSecond`]?.max.some((value) => value !== null)
  const stop = dropWithEngines([engines], history)
  add(1000)
  engines.set(engines.value.slice(1))
  expect([known('first'), known('kept')]).toEqual([false, true])
  for (let at = 2; at < 1500; at += 1) {
    engines.set([engine('kept', { tokens: 1 }), engine(`t${at}`, { tokens: 1 })])
    add(at * 1000)
  }
  expect(known('t1499')).toBe(true)
  stop()
  engines.set([])
  expect(known('t1499')).toBe(true)
})

it('keeps the past of a found engine that is taken over, until it leaves both lists', () => {
  const history = new History()
  const [engines, found] = [new Topic<ReturnType<typeof engine>[]>([]), new Topic([engine('theirs', { tokens: 7 })])]
  const past = () => history.window(['engine/theirs/generatedTokensPerSecond'], 0, 1e9, 10).series['engine/theirs/generatedTokensPerSecond']?.max
  dropWithEngines([engines, found], history)
  history.add(1000, seriesOfEngines(found.value))
  engines.set(found.value)
  found.set([])
  expect(past()).toEqual([7])
  engines.set([])
  expect(past()).toEqual([null])
})
