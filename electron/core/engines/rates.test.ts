// Metrics pages as engines print them → readings → rates.
import { describe, expect, it } from 'vitest'
import { parseMetrics, total } from './prometheus.ts'
import { NO_RATES, ratesOf, readingOf, WANTED_LINES, type Reading } from './rates.ts'

const VLLM = `# HELP vllm:num_requests_running Number of requests.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a \\"b\\" } c"} 2.0
vllm:num_requests_running{engine="1",model_name="x"} 1.0
vllm:num_requests_waiting{engine="0",model_name="x"} 0.0
vllm:generation_tokens_total{engine="0",model_name="x"} 1e+03
vllm:generation_tokens_total{engine="1",model_name="x"} 500
vllm:prompt_tokens_total{engine="0",model_name="x"} 40 1395066363000
vllm:time_to_first_token_seconds_bucket{le="+Inf"} 3
`

describe('parseMetrics', () => {
  it('reads names and numbers of every form past labels with escapes and brackets, and counts what it cannot read', () => {
    const page = parseMetrics(`${VLLM}bad line here\nx NaN\ny -Inf\nz{a="1"\n`)
    expect(page.samples[0]).toEqual({ name: 'vllm:num_requests_running', value: 2 })
    expect(page.samples.slice(-2)).toEqual([{ name: 'x', value: Number.NaN }, { name: 'y', value: -Infinity }])
    expect(page.badLines).toBe(2)
    expect(total(page, ['x'])).toBeNull()
    expect(total(page, ['absent', 'vllm:num_requests_running'])).toEqual({ name: 'vllm:num_requests_running', value: 3 })
  })

  it.each(Object.entries({ spaces: ' '.repeat(200_000), brackets: ' {}'.repeat(70_000), labels: `{${'} '.repeat(100_000)}` }))('takes time linear in a line of %s', (_, middle) => {
    const before = process.cpuUsage()
    expect(parseMetrics(`vllm:num_requests_running${middle}x y z`, WANTED_LINES)).toEqual({ samples: [], badLines: 1 })
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(1000) // quadratic: a minute
  })
})

describe('readingOf', () => {
  it.each([
    ['vLLM', VLLM, { source: 'vllm:generation_tokens_total', counting: 'live', generated: 1500, prompt: 40, running: 3, waiting: 0, throughput: null }],
    ['vLLM without _total', 'vllm:generation_tokens 7', { source: 'vllm:generation_tokens', counting: 'live', generated: 7, running: null }],
    ['SGLang', 'sglang:num_running_reqs 4\nsglang:num_queue_reqs 2\nsglang:generation_tokens_total 9\nsglang:gen_throughput 812.5', { source: 'sglang:gen_throughput', counting: 'live', generated: 9, running: 4, waiting: 2, throughput: 812.5 }],
    ['llama-server', 'llamacpp:tokens_predicted_total 12\nllamacpp:prompt_tokens_total 3\nllamacpp:requests_processing 1\nllamacpp:requests_deferred 0', { source: 'llamacpp:tokens_predicted_total', counting: 'atRequestEnd', generated: 12, prompt: 3, running: 1, waiting: 0 }],
    ['TensorRT-LLM', 'trtllm_generation_tokens_total 5\ntrtllm_num_requests_running 1', { source: 'trtllm_generation_tokens_total', counting: 'atRequestEnd', generated: 5, running: 1 }],
    ['an unknown page', 'go_threads 9', { source: null, counting: null, generated: null, prompt: null, running: null, waiting: null, throughput: null }],
  ])('knows %s', (_, text, expected) => {
    expect(readingOf(parseMetrics(text), 5)).toMatchObject({ atMs: 5, ...expected })
    expect(readingOf(parseMetrics(text.replaceAll('\n', '\r\n'), WANTED_LINES), 5)).toEqual(readingOf(parseMetrics(text), 5))
  })
})

describe('ratesOf', () => {
  const reading = (atMs: number, generated: number | null, counting: Reading['counting'] = 'live'): Reading =>
    ({ atMs, source: 's', counting, generated, prompt: null, running: 1, waiting: 0, throughput: null })
  it.each<[string, Reading[], Reading, number | null]>([
    ['the first reading', [], reading(1000, 50), null],
    ['two readings', [reading(1000, 50)], reading(3000, 150), 50],
    ['a live counter over the last second only', [reading(0, 0), reading(9000, 1000), reading(10_000, 1000)], reading(11_000, 1010), 10],
    ['a counter that jumps, over ten seconds', [reading(0, 0, 'atRequestEnd'), reading(9000, 0, 'atRequestEnd')], reading(10_000, 100, 'atRequestEnd'), 10],
    ['a counter that went back', [reading(1000, 50)], reading(2000, 10), null],
    ['a counter that is gone', [reading(1000, 50)], reading(2000, null), null],
    ['two readings of one moment', [reading(2000, 50)], reading(2000, 60), null],
  ])('%s', (_, past, current, expected) => {
    expect(ratesOf(past, current, 7)).toMatchObject({ generatedTokensPerSecond: expected, requestsRunning: 1, requestsWaiting: 0, readAtMs: 7 })
  })
  it('takes the engine at its word where it gives a rate itself', () => {
    expect(ratesOf([], { ...reading(1, 5), throughput: 42 }, 1).generatedTokensPerSecond).toBe(42)
    expect(Object.values(NO_RATES).every((value) => value === null)).toBe(true)
  })
})
