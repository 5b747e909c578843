// What makes the stand-in a vLLM for those who measure it: its log, its doors, logprobs, stream intervals, and what the environment limits.
import type { ChildProcess } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pinnedLimitMiB } from './gpuProcess.ts'
import { promptLogprobs, tokensOf } from './promptTokens.ts'
import { freePort, Rig } from './rig.testkit.ts'

let rig: Rig
let port: number
const slow = { timeout: 60_000 }
beforeEach(async () => { port = await freePort() })
afterEach(() => rig?.close())

const heard = (child: ChildProcess) => {
  const said = { words: '', errors: '', code: undefined as number | null | undefined }
  child.stdout?.on('data', (chunk) => (said.words += chunk))
  child.stderr?.on('data', (chunk) => (said.errors += chunk))
  child.once('close', (code) => (said.code = code))
  return said
}
const ready = (at: number) => expect.poll(() => fetch(`http://127.0.0.1:${at}/health`).then(({ status }) => status, () => 0), { timeout: 20_000 }).toBe(200)
const ask = async (at: number, body: object, headers = {}) => (await fetch(`http://127.0.0.1:${at}/v1/completions`, { method: 'POST', headers, body: JSON.stringify(body) })).json() as Promise<{ choices: Record<string, unknown>[]; usage: object }>
const metrics = async (at: number) => (await fetch(`http://127.0.0.1:${at}/metrics`)).text()

describe('its doors', () => {
  it('carry the served name, the version and the size of the cache; /v1 wants the key', slow, async () => {
    rig = await Rig.open()
    const said = heard(rig.engine(port, ['--served-model-name', 'small', 'other', '--kv-cache-memory-bytes', '6G', '--stream-interval', '10'], { VLLM_API_KEY: 'sesame' }))
    await ready(port)
    const get = (path: string, headers = {}) => fetch(`http://127.0.0.1:${port}${path}`, { headers })
    expect((await get('/v1/models')).status).toBe(401)
    const key = { authorization: 'Bearer sesame' }
    expect(await (await get('/v1/models', key)).json()).toMatchObject({ data: [{ id: 'small', max_model_len: 32_768 }, { id: 'other' }] })
    expect(await (await get('/version')).json()).toEqual({ version: '0.29.0' })
    expect(await metrics(port)).toMatch(/^vllm:cache_config_info\{.*num_gpu_blocks="32768"\} 1$/m)
    expect(await metrics(port)).toContain('vllm:num_requests_running{engine="0",model_name="small"} 0\n') // the demonstration's callers stay away
    expect(said.words).toMatch(/^\(APIServer pid=\d+\) INFO [\d-]{5} [\d:]{8} \[api_server\.py:\d+\] vLLM API server version 0\.29\.0$/m)
    expect(said.words).toContain('GPU KV cache size: 524,288 tokens\n')
    expect(said.words).toContain('Maximum concurrency for 32,768 tokens per request: 16.00x\n')
    expect(said.words).toContain('\'max_num_seqs\': 256')
    expect(said.words).toMatch(/INFO: +Application startup complete\.\n$/)
    expect(said.words).not.toContain('sesame')
    const text = await (await fetch(`http://127.0.0.1:${port}/v1/completions`, { method: 'POST', headers: key, body: JSON.stringify({ model: 'other', prompt: 'a b c', max_tokens: 95, ignore_eos: true, stream: true }) })).text()
    const sizes = text.split('\n\n').flatMap((event) => (event.startsWith('data: {') ? (JSON.parse(event.slice(6)) as { choices: { text: string }[] }).choices : [])).map((choice) => choice.text.match(/ ?\w+|[,.]/g)?.length ?? 0)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(95)
    expect(sizes.slice(1, -1).filter((size) => size % 10 !== 0)).toEqual([])
    expect(sizes.length).toBeGreaterThan(2) // several intervals come at once where the machine is busy
  })
})

it('knows no such model', slow, async () => {
  rig = await Rig.open()
  const said = heard(rig.start(['vllm', 'serve', 'Qwen/Qwen9']))
  await expect.poll(() => said.code, { timeout: 20_000 }).toBe(1)
  expect(said.errors).toContain('OSError: Qwen/Qwen9 is not a local folder and is not a valid model identifier')
})

describe('logprobs of a prompt', () => {
  it('are the same on every healthy engine, and wrong where the GEMM is', slow, async () => {
    rig = await Rig.open('wrong-gemm')
    await rig.startDaemon()
    const limited = await freePort()
    rig.engine(port, [], { OVERLAP_SIM_LOAD: '0' })
    rig.engine(limited, [], { OVERLAP_SIM_LOAD: '0', CUDA_MPS_ACTIVE_THREAD_PERCENTAGE: '40' })
    await Promise.all([ready(port), ready(limited)])
    const logprobs = async (at: number) => (await ask(at, { prompt: 'one two three four', max_tokens: 1, temperature: 0, prompt_logprobs: 1 })).choices[0]?.['prompt_logprobs'] as (Record<string, { logprob: number }> | null)[]
    const flat = (list: (Record<string, { logprob: number }> | null)[]) => list.map((entry) => (entry === null ? null : Object.values(entry)[0]?.logprob ?? null))
    const [first = null, ...rest] = flat(await logprobs(port))
    expect([first, rest.length, rest.every((value) => value !== null && value < 0)]).toEqual([null, 3, true])
    expect(flat(await logprobs(port))).toEqual([null, ...rest])
    const wrong = flat(await logprobs(limited))
    expect(Math.max(...rest.map((value, at) => Math.abs((value ?? 0) - (wrong[at + 1] ?? 0))))).toBeGreaterThan(0.5)
    const echoed = await ask(port, { prompt: 'one two three four', max_tokens: 0, echo: true, logprobs: 1 })
    expect(echoed).toMatchObject({ choices: [{ text: 'one two three four', logprobs: { tokens: ['one', ' two', ' three', ' four'], token_logprobs: [null, ...rest], text_offset: [0, 3, 7, 13] } }], usage: { prompt_tokens: 4, completion_tokens: 0 } })
    const greedy = async (at: number) => (await ask(at, { prompt: 'one', max_tokens: 8, temperature: 0 })).choices[0]?.['text']
    expect(await greedy(port)).toBe(await greedy(port))
    expect(await greedy(limited)).not.toBe(await greedy(port))
  })

  it('depend on everything before, and on the model', () => {
    const last = (prompt: unknown, model: '0.5b' | '7b' = '0.5b') => promptLogprobs(prompt, model, false).at(-1)?.logprob
    expect(new Set([last('a b c'), last('x b c'), last('a b c', '7b'), last([1, 2, 3])]).size).toBe(4)
    expect(last('a')).toBe(null)
  })

  it.each([['', 1], ['Hello', 1], ['one two', 2], [' a  bb\nccc', 3], ['x'.repeat(15), 2], [[1, 2, 3], 3], [['a b', ' c'], 3]] as const)('%j is %i tokens', (prompt, tokens) => expect(tokensOf(prompt)).toHaveLength(tokens))
})

describe('limits', () => {
  const uuid = 'GPU-51a00000-0000-4000-8000-000000000011'
  it.each([
    [undefined, null, null], [undefined, 4096, 4096], ['0=8192M', null, 8192], ['0=2G', 1024, 1024], ['0=2G', 8192, 2048], [`${uuid}=900M`, null, 900],
    ['0=2G,1=2G', 4096, null], ['GPU-other=2G', 4096, null], ['0=0G', 4096, 4096],
  ])('%s under a server with %s: %s', (own, server, limit) => expect(pinnedLimitMiB(own, server, uuid)).toBe(limit))

  it('of pinned memory make an engine run out of it under MPS, and only there', slow, async () => {
    rig = await Rig.open()
    const limit = { CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: '0=7G' }
    rig.engine(port, [], limit)
    await ready(port)
    await rig.startDaemon()
    const said = heard(rig.engine(await freePort(), [], limit))
    await expect.poll(() => said.code, { timeout: 20_000 }).toBe(1)
    expect(said.errors).toMatch(/^torch\.OutOfMemoryError: .* GPU 0 has a total capacity of 79\.65 GiB of which 5\.\d+ GiB is free/)
  })

  it('of one process at a time let an MPS server in or one plain engine, and nobody else', slow, async () => {
    rig = await Rig.open('exclusive-process')
    expect((await rig.smi('--query-gpu=compute_mode', '--format=csv,noheader')).stdout).toBe('Exclusive_Process\n')
    const first = rig.engine(port)
    const ended = heard(first)
    await ready(port)
    const second = heard(rig.engine(await freePort()))
    await expect.poll(() => second.code, { timeout: 20_000 }).toBe(1)
    expect(second.errors).toBe('torch.AcceleratorError: CUDA error: CUDA-capable device(s) is/are busy or unavailable\n')
    await rig.startDaemon()
    expect((await rig.control('start_server -uid 0\nget_server_status 1')).stdout).toContain('not found')
    expect((await rig.control('get_server_list')).stdout).toBe('')
    first.kill('SIGTERM')
    await expect.poll(() => ended.code, { timeout: 20_000 }).toBe(0)
    const clients = [await freePort(), await freePort()]
    for (const at of clients) rig.engine(at)
    await Promise.all(clients.map(ready))
  })
})
