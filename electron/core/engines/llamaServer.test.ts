// Real llama-server engines on the CPU: two side by side, their own numbers, a polite stop, a crash with its restart, a missing model.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { llamaParts, type LlamaParts } from '../../../e2e/parts/llama.ts'
import type { LlamaServerSpec } from '../../../shared/engine.ts'
import { capacityFromLog, declaredCapacity } from './capacity.ts'
import { openWorkbench, type Workbench } from './fixtures/workbench.ts'

let bench: Workbench
let parts: LlamaParts
beforeAll(async () => {
  parts = await llamaParts()
  console.log(`llama-server of llama.cpp-tools ${parts.version}`)
  bench = await openWorkbench()
}, 600_000)
afterAll(() => bench.clear())

const spec = (name: string, change: Partial<LlamaServerSpec> = {}): LlamaServerSpec => ({
  recipe: 'llamaServer', name, gpuUuid: null, onMps: false, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: null, env: {}, cwd: null, restartBudget: 1, readyWithinSeconds: 60,
  executable: parts.argv[0] ?? '', modelPath: parts.model, contextTokens: 2048, slots: 2, gpuLayers: 0, extraArguments: ['-t', '1'], ...change,
})
const started = async (name: string, change: Partial<LlamaServerSpec> = {}) => {
  const id = await bench.supervisor.add(spec(name, change))
  await bench.supervisor.start(id)
  return id
}
const complete = async (id: string, tokens: number) => {
  const response = await fetch(`http://127.0.0.1:${bench.engine(id).port}/v1/completions`, {
    method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer sesame' },
    body: JSON.stringify({ prompt: 'abc', max_tokens: tokens, ignore_eos: true }),
  })
  return (await response.json()) as { usage?: { completion_tokens: number } }
}

describe('llama-server', () => {
  it('runs twice, each with its own port and rates, and stops politely', async () => {
    const ids = [await started('one'), await started('two', { extraArguments: ['-t', '1', '--api-key', 'sesame'] })]
    const [one = '', two = ''] = ids
    await bench.until('both ready', () => ids.every((id) => bench.engine(id).state === 'ready'), 60_000)
    expect(bench.engine(one).port).not.toBe(bench.engine(two).port)
    const said = capacityFromLog(bench.engine(one).spec, await bench.supervisor.log(one).tail(500))
    expect(said).toMatchObject({ kvCacheTokens: 2048, maxSequences: 2 })
    expect(declaredCapacity(bench.engine(one).spec)).toMatchObject({ kvCacheTokens: 2048, maxSequences: 2 })
    expect(bench.supervisor.doors(two)).toMatchObject({ url: `http://127.0.0.1:${bench.engine(two).port}`, model: expect.any(String) as string, apiKey: 'sesame' })
    await bench.until('a first reading of both', () => ids.every((id) => bench.engine(id).rates.readAtMs !== null))
    const answers = await Promise.all(ids.map((id) => complete(id, 64)))
    expect(answers.map((answer) => answer.usage?.completion_tokens)).toEqual([64, 64])
    await bench.until('tokens per second of both', () => ids.every((id) => (bench.engine(id).rates.generatedTokensPerSecond ?? 0) > 0))
    expect(bench.engine(two).rates).toMatchObject({ source: 'llamacpp:tokens_predicted_total', counting: 'atRequestEnd', requestsRunning: 0, requestsWaiting: 0 })
    expect(JSON.stringify(bench.host.ledger.kept)).not.toContain('sesame')
    await bench.supervisor.stop(one, { drainSeconds: 10 })
    await bench.until('one stopped', () => bench.engine(one).state === 'stopped')
    expect(bench.engine(one).lastExit).toMatchObject({ code: 0, signal: null })
    expect(bench.engine(two).state).toBe('ready')
  }, 150_000)

  it('is restarted when it was killed, until the budget is spent', async () => {
    const id = await started('weak')
    const ready = (besides: number | null) => bench.until('ready', () => bench.engine(id).state === 'ready' && bench.engine(id).pid !== besides, 60_000)
    await ready(null)
    const first = bench.engine(id).pid
    process.kill(first!, 'SIGKILL')
    await ready(first)
    expect(bench.engine(id)).toMatchObject({ restarts: { used: 1, budget: 1 }, lastExit: { signal: 'SIGKILL' } })
    process.kill(bench.engine(id).pid!, 'SIGKILL')
    await bench.until('budget spent', () => bench.engine(id).fault?.code === 'RESTART_BUDGET_SPENT')
  }, 150_000)

  it('says that its model is missing, and is not started in vain again', async () => {
    const id = await started('empty', { modelPath: '/no/such/model.gguf' })
    await bench.until('failed', () => bench.engine(id).state === 'failed', 30_000)
    expect(bench.engine(id).fault).toMatchObject({ code: 'ENGINE_EXITED', sentence: 'empty ended: it could not load its model.' })
    expect(bench.engine(id).restarts.used).toBe(0)
  })
})
