import { describe, expect, it } from 'vitest'
import { Batch, type Pace } from './batch.ts'
import { exposition } from './exposition.ts'

/** 10 ms a step, and 1 ms for each prompt token in it. */
const pace: Pace = { stepSeconds: (prefillTokens) => 0.01 + prefillTokens / 1000 }
const limits = { maxSequences: 2, kvTokens: 1000 }

function ask(batch: Batch, maxTokens: number, promptTokens = 100, arrivedMs = 0) {
  const seen = { tokens: 0, finished: 0, calls: 0 }
  const request = { promptTokens, maxTokens, arrivedMs, onTokens: (count: number, finished: boolean) => { seen.tokens += count; seen.finished += Number(finished); seen.calls += 1 } }
  batch.submit(request)
  return { seen, request }
}

describe('a batch', () => {
  it('works on the prompt, then makes one token per step, and no more than asked', () => {
    const batch = new Batch(limits, 0)
    const { seen } = ask(batch, 20)
    batch.advance(109, pace)
    expect(seen).toEqual({ tokens: 0, finished: 0, calls: 0 })
    batch.advance(155, pace) // the first at 110 ms
    expect(seen).toEqual({ tokens: 5, finished: 0, calls: 1 })
    batch.advance(1155, pace)
    expect(seen).toEqual({ tokens: 20, finished: 1, calls: 2 })
    expect([batch.promptTokensTotal, batch.generationTokensTotal, batch.finishedTotal, batch.running]).toEqual([100, 20, 1, 0])
    expect(batch.timeToFirstToken.sum).toBeCloseTo(0.11)
    expect(batch.interTokenLatency.sum).toBeCloseTo(0.19)
    expect(batch.requestLatency.sum).toBeCloseTo(0.3)
  })

  it('lets the rest wait, and fills a free place in the next step', () => {
    const batch = new Batch(limits, 0)
    const all = [ask(batch, 10), ask(batch, 10), ask(batch, 10)]
    batch.advance(100, pace)
    expect([batch.running, batch.waiting]).toEqual([2, 1])
    batch.advance(450, pace) // two prompts in one step of 210 ms, ended at 300; the third has its first token at 410
    expect(all.map(({ seen }) => seen.tokens)).toEqual([10, 10, 5])
  })

  it('shares a step between prompts and tokens: a long prompt slows those who are at work, and is cut in pieces', () => {
    const batch = new Batch({ maxSequences: 9, kvTokens: 100_000 }, 0)
    const first = ask(batch, 1000, 1)
    batch.advance(1011, pace)
    expect(first.seen.tokens).toBe(101)
    const second = ask(batch, 5, 5000, 1011)
    const seen = (atMs: number) => {
      batch.advance(atMs, pace)
      return [first.seen.tokens, second.seen.tokens]
    }
    expect(seen(1011 + 2057)).toEqual([101, 0]) // 2048 prompt tokens in its step
    expect(seen(1011 + 2058)).toEqual([102, 0])
    expect(seen(1011 + 2058 * 2)).toEqual([103, 0])
    expect(batch.prefillTokens).toBeGreaterThan(60)
    expect(seen(1011 + 2058 * 2 + 914)).toEqual([104, 1])
  })

  it('does nothing before anyone comes, and does not make up for a long sleep', () => {
    const batch = new Batch(limits, 0)
    batch.advance(500, pace)
    const { seen } = ask(batch, 100_000, 10, 600)
    batch.advance(1000, pace)
    expect(seen.tokens).toBe(39) // 20 ms for the first, then 38 more
    batch.advance(3_600_000, pace)
    expect(seen.tokens).toBe(539)
  })

  it('stands still when the GPU gives nothing', () => {
    const batch = new Batch(limits, 0)
    const { seen } = ask(batch, 10)
    batch.advance(1000, { stepSeconds: () => Infinity })
    expect([seen.tokens, batch.running]).toEqual([0, 1])
  })

  it('admits nobody whose context does not fit the KV cache beside the others', () => {
    const batch = new Batch({ maxSequences: 9, kvTokens: 240 }, 0)
    ask(batch, 50)
    ask(batch, 50)
    batch.advance(10, pace)
    expect([batch.running, batch.waiting]).toEqual([1, 1])
    expect(batch.kvUsage).toBeCloseTo(100 / 240)
  })

  it('forgets who hung up, running or waiting', () => {
    const batch = new Batch({ maxSequences: 1, kvTokens: 1000 }, 0)
    const first = ask(batch, 50)
    const second = ask(batch, 50)
    batch.advance(200, pace)
    batch.drop(first.request)
    batch.drop(second.request)
    batch.advance(1200, pace)
    expect([batch.running, batch.waiting, batch.finishedTotal, second.seen.tokens, batch.kvUsage]).toEqual([0, 0, 0, 0, 0])
  })
})

it('the metrics page has cumulative buckets that end in the count, and the size of the cache', () => {
  const batch = new Batch(limits, 0)
  ask(batch, 10)
  batch.advance(1000, pace)
  const page = exposition(batch, 'Qwen/Qwen2.5-0.5B-Instruct', { kvBlocks: 62, gpuMemoryUtilization: 0.9 })
  expect(page).toContain('vllm:generation_tokens_total{engine="0",model_name="Qwen/Qwen2.5-0.5B-Instruct"} 10\n')
  expect(page).toMatch(/^vllm:cache_config_info\{block_size="16",.*num_gpu_blocks="62"\} 1$/m)
  const buckets = [...page.matchAll(/^vllm:time_to_first_token_seconds_bucket\{.*le="(.+)"\} (\d+)$/gm)].map(([, bound, count]) => [bound, Number(count)])
  expect(buckets.find(([bound]) => bound === '0.1')?.[1]).toBe(0)
  expect(buckets.find(([bound]) => bound === '0.25')?.[1]).toBe(1)
  expect(buckets.at(-1)).toEqual(['+Inf', 1])
})
