import { describe, expect, it } from 'vitest'
import { parseVllm, UsageError } from './vllmArguments.ts'

const parse = (line: string, env: Record<string, string> = {}) => parseVllm(line.split(' '), env)
const words = (line: string) => {
  try {
    return `taken: ${JSON.stringify(parse(line))}`
  } catch (error) {
    if (error instanceof UsageError) return error.message.split('\n').at(-1)
    throw error
  }
}

describe('vllm serve', () => {
  it('has vLLM\'s own values', () => {
    expect(parse('serve Qwen/Qwen2.5-0.5B-Instruct')).toEqual({
      model: 'Qwen/Qwen2.5-0.5B-Instruct', servedNames: ['Qwen/Qwen2.5-0.5B-Instruct'], host: '127.0.0.1', port: 8000, maxSequences: 256, kvCacheBytes: null,
      gpuMemoryUtilization: 0.92, maxModelTokens: null, streamInterval: null, asyncScheduling: true, apiKey: null,
    })
  })

  it.each([
    ['--port 8001', { port: 8001 }],
    ['--max-num-seqs=64', { maxSequences: 64 }],
    ['--max_num_seqs 64', { maxSequences: 64 }],
    ['--kv-cache-memory-bytes 5905580032', { kvCacheBytes: 5905580032 }],
    ['--kv-cache-memory-bytes 8G', { kvCacheBytes: 8 * 2 ** 30 }],
    ['--max-model-len 25.6k', { maxModelTokens: 25_600 }],
    ['--async-scheduling', { asyncScheduling: true }],
    ['--no-async-scheduling', { asyncScheduling: false }],
    ['--stream-interval 10', { streamInterval: 10 }],
    ['--served-model-name small other --port 9', { servedNames: ['small', 'other'], port: 9 }],
    ['--api-key secret', { apiKey: 'secret' }],
    ['-tp 1 --dtype bfloat16 --no-enable-prefix-caching --enforce-eager --seed 1', { port: 8000 }],
  ])('takes %s', (more, expected) => {
    expect(parse(`serve 0.5b ${more}`, {})).toMatchObject(expected)
  })

  it('reads its key from the environment, too', () => {
    expect(parse('serve 0.5b', { VLLM_API_KEY: 'k' }).apiKey).toBe('k')
  })

  it.each([
    ['serve 0.5b --wrong 1', 'vllm: error: unrecognized arguments: --wrong 1'],
    ['serve 0.5b more', 'vllm: error: unrecognized arguments: more'],
    ['serve 0.5b --port x', 'vllm serve: error: argument --port: invalid int value: \'x\''],
    ['serve 0.5b --kv-cache-memory-bytes much', 'vllm serve: error: argument --kv-cache-memory-bytes: invalid human_readable_int value: \'much\''],
    ['serve 0.5b --gpu-memory-utilization 1.4', 'vllm serve: error: argument --gpu-memory-utilization: invalid float value: \'1.4\''],
    ['serve 0.5b --port', 'vllm serve: error: argument --port: expected one argument'],
    ['start 0.5b', 'vllm: error: argument subparser: invalid choice: \'start\' (choose from chat, complete, serve, bench, collect-env, run-batch)'],
  ])('%s ends with vLLM\'s words', (line, expected) => {
    expect(words(line)).toBe(expected)
  })
})
