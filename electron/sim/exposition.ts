// The engine's Prometheus page, with vLLM's names.
import type { Batch, Histogram } from './batch.ts'
import { KV_BLOCK_TOKENS } from './shapes.ts'

export interface CacheConfig {
  kvBlocks: number
  gpuMemoryUtilization: number
}

export function exposition(batch: Batch, model: string, cache: CacheConfig): string {
  const labels = `engine="0",model_name="${model}"`
  const one = (name: string, type: 'gauge' | 'counter', help: string, value: number, more = '') =>
    `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name}{${labels}${more}} ${value}\n`
  const histogram = (name: string, help: string, { bounds, counts, sum }: Histogram) => {
    let total = 0
    const buckets = counts.map((count, at) => `${name}_bucket{${labels},le="${bounds[at] ?? '+Inf'}"} ${(total += count)}\n`).join('')
    return `# HELP ${name} ${help}\n# TYPE ${name} histogram\n${buckets}${name}_count{${labels}} ${total}\n${name}_sum{${labels}} ${sum}\n`
  }
  const config = `block_size="${KV_BLOCK_TOKENS}",cache_dtype="auto",enable_prefix_caching="False",engine="0",gpu_memory_utilization="${cache.gpuMemoryUtilization}",num_gpu_blocks="${cache.kvBlocks}"`
  return [
    one('vllm:num_requests_running', 'gauge', 'Number of requests in model execution batches.', batch.running),
    one('vllm:num_requests_waiting', 'gauge', 'Number of requests waiting to be processed.', batch.waiting),
    one('vllm:kv_cache_usage_perc', 'gauge', 'KV-cache usage. 1 means 100 percent usage.', batch.kvUsage),
    `# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig\n# TYPE vllm:cache_config_info gauge\nvllm:cache_config_info{${config}} 1\n`,
    one('vllm:prompt_tokens_total', 'counter', 'Number of prefill tokens processed.', batch.promptTokensTotal),
    one('vllm:generation_tokens_total', 'counter', 'Number of generation tokens processed.', batch.generationTokensTotal),
    one('vllm:request_success_total', 'counter', 'Count of successfully processed requests.', batch.finishedTotal, ',finished_reason="length"'),
    histogram('vllm:time_to_first_token_seconds', 'Histogram of time to first token in seconds.', batch.timeToFirstToken),
    histogram('vllm:inter_token_latency_seconds', 'Histogram of inter-token latency in seconds.', batch.interTokenLatency),
    histogram('vllm:e2e_request_latency_seconds', 'Histogram of end to end request latency in seconds.', batch.requestLatency),
  ].join('')
}
