import { describe, expect, it } from 'vitest'
import { Batch } from './batch.ts'
import { exposition } from './exposition.ts'

const pace = { stepS: 0.01, prefillTokensPerSecond: 1000, prefillFixedS: 0 }
const limits = { maxSequences: 2, kvTokens: 1000 }

function ask(batch: Batch, maxTokens: number, promptTokens = 100) {
  const seen = { tokens: 0, finished: 0 }
  const request = { promptTokens, maxTokens, arrivedMs: 0, onTokens: (count: number, finished: boolean) => { seen.tokens += count; seen.finished += Number(finished) } }
  batch.submit(request)
  return { seen, request }
}

describe('a batch', () => {
  it('prefills, then makes one token per step, and no more than asked', () => {
    const batch = new Batch(limits)
    const { seen } = ask(batch, 20)
    batch.advance(0.1, pace, 100) // 100 tokens at 1000/s
    expect(seen).toEqual({ tokens: 0, finished: 0 })
    batch.advance(0.055, pace, 155)
    expect(seen).toEqual({ tokens: 5, finished: 0 })
    batch.advance(1, pace, 1155)
    expect(seen).toEqual({ tokens: 20, finished: 1 })
    expect([batch.promptTokensTotal, batch.generationTokensTotal, batch.finishedTotal, batch.running]).toEqual([100, 20, 1, 0])
    expect(batch.timeToFirstToken.sum).toBeCloseTo(0.11)
    expect(batch.requestLatency.sum).toBeCloseTo(0.3)
  })

  it('lets the rest wait, and fills a free place in the same instant', () => {
    const batch = new Batch(limits)
    const all = [ask(batch, 10), ask(batch, 10), ask(batch, 10)]
    batch.advance(0.1, pace, 100)
    expect([batch.running, batch.waiting]).toEqual([2, 1])
    batch.advance(0.25, pace, 350) // two end at 0.2; the third has 0.15 s: 0.1 of prefill, 5 tokens
    expect(all.map(({ seen }) => seen.tokens)).toEqual([10, 10, 5])
  })

  it('admits nobody whose context does not fit the KV cache beside the others', () => {
    const batch = new Batch({ maxSequences: 9, kvTokens: 240 })
    ask(batch, 50)
    ask(batch, 50)
    batch.advance(0.01, pace, 10)
    expect([batch.running, batch.waiting]).toEqual([1, 1])
    expect(batch.kvUsage).toBeCloseTo(100 / 240)
  })

  it('forgets who hung up, running or waiting', () => {
    const batch = new Batch({ maxSequences: 1, kvTokens: 1000 })
    const first = ask(batch, 50)
    const second = ask(batch, 50)
    batch.advance(0.2, pace, 200)
    batch.drop(first.request)
    batch.drop(second.request)
    batch.advance(1, pace, 1200)
    expect([batch.running, batch.waiting, batch.finishedTotal, second.seen.tokens]).toEqual([0, 0, 0, 0])
  })
})

it('the metrics page has cumulative buckets that end in the count', () => {
  const batch = new Batch(limits)
  ask(batch, 10)
  batch.advance(1, pace, 1000)
  const page = exposition(batch, '0.5b')
  expect(page).toContain('vllm:generation_tokens_total{engine="0",model_name="0.5b"} 10\n')
  const buckets = [...page.matchAll(/^vllm:time_to_first_token_seconds_bucket\{.*le="(.+)"\} (\d+)$/gm)].map(([, bound, count]) => [bound, Number(count)])
  expect(buckets.find(([bound]) => bound === '0.1')?.[1]).toBe(0)
  expect(buckets.find(([bound]) => bound === '0.25')?.[1]).toBe(1)
  expect(buckets.at(-1)).toEqual(['+Inf', 1])
})
