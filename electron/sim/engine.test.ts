import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort, Rig } from './rig.testkit.ts'

let rig: Rig
let port: number
const MODEL = 'Qwen/Qwen2.5-0.5B-Instruct'
const slow = { timeout: 60_000 }
beforeEach(async () => { port = await freePort() })
afterEach(() => rig.close())

const ended = (child: ChildProcess) => new Promise<{ code: number | null; words: string }>((resolve) => {
  let words = ''
  child.stderr?.on('data', (chunk) => (words += chunk))
  child.once('close', (code) => resolve({ code, words }))
})
const ready = (at: number) => expect.poll(() => fetch(`http://127.0.0.1:${at}/health`).then(({ status }) => status, () => 0), { timeout: 20_000 }).toBe(200)
const metric = async (at: number, name: string) => Number(new RegExp(`^${name}\\{.*\\} (.*)$`, 'm').exec(await (await fetch(`http://127.0.0.1:${at}/metrics`)).text())?.[1])
const ask = (path: string, body: unknown) => fetch(`http://127.0.0.1:${port}/v1/${path}`, { method: 'POST', body: JSON.stringify(body) })
const processRow = async (pid: number | undefined) => (await rig.smi('pmon', '-s', 'um', '-c', '1')).stdout.split('\n').map((line) => line.trim().split(/\s+/)).find((words) => words[1] === String(pid))
const mean = (rows: number[]) => rows.reduce((sum, row) => sum + row, 0) / rows.length
const smActivity = async () => mean((await rig.smi('dmon', '-s', 'u', '--gpm-metrics', '2', '-c', '5')).stdout.trimEnd().split('\n').slice(-3).map((line) => Number(line.trim().split(/\s+/).at(-1))))

describe('requests', () => {
  beforeEach(async () => {
    rig = await Rig.open()
    rig.engine(port, [], { OVERLAP_SIM_LOAD: '0' })
    await ready(port)
  })

  it('streams many tokens per chunk, with an exact usage', slow, async () => {
    const text = await (await ask('completions', { prompt: 'one two three four', max_tokens: 700, ignore_eos: true, stream: true, stream_options: { include_usage: true } })).text()
    const events = text.split('\n\n').filter((part) => part !== '').map((part) => part.slice('data: '.length))
    expect(events.at(-1)).toBe('[DONE]')
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event) as { choices: { text: string; finish_reason: string | null }[]; usage?: object })
    expect(chunks.at(-1)?.usage).toEqual({ prompt_tokens: 4, completion_tokens: 700, total_tokens: 704 })
    expect(chunks.length).toBeLessThan(100)
    expect(chunks.length).toBeGreaterThan(5)
    expect(chunks.flatMap(({ choices }) => choices).filter(({ finish_reason }) => finish_reason !== null)).toHaveLength(1)
    expect(await metric(port, 'vllm:generation_tokens_total')).toBe(700)
    expect(await metric(port, 'vllm:prompt_tokens_total')).toBe(4)
    expect(await metric(port, 'vllm:time_to_first_token_seconds_count')).toBe(1)
  })

  it('answers a chat whole, lists its model, and takes token ids', slow, async () => {
    const chat = await (await ask('chat/completions', { model: MODEL, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 3 })).json()
    expect(chat).toMatchObject({ object: 'chat.completion', choices: [{ message: { role: 'assistant', content: ' The step is' }, finish_reason: 'length' }], usage: { completion_tokens: 3 } })
    expect(await (await fetch(`http://127.0.0.1:${port}/v1/models`)).json()).toMatchObject({ data: [{ id: MODEL }] })
    expect(await (await ask('completions', { prompt: [1, 2, 3], max_tokens: 1 })).json()).toMatchObject({ usage: { prompt_tokens: 3, completion_tokens: 1 } })
  })

  it.each([
    ['completions', {}, 400], ['completions', { prompt: 'a', max_tokens: 0 }, 400], ['completions', { prompt: 'a', model: 'other' }, 404],
    ['chat/completions', { messages: [] }, 400], ['embeddings', {}, 404],
  ])('refuses %s %j with %i', slow, async (path, body, status) => {
    const response = await ask(path, body)
    expect([response.status, (await response.json() as { error: { code: number } }).error.code]).toEqual([status, status])
  })

  it('forgets a caller who hangs up', slow, async () => {
    const abort = new AbortController()
    const response = await fetch(`http://127.0.0.1:${port}/v1/completions`, { method: 'POST', signal: abort.signal, body: JSON.stringify({ prompt: 'a', max_tokens: 30_000, ignore_eos: true, stream: true }) })
    await response.body?.getReader().read()
    expect(await metric(port, 'vllm:num_requests_running')).toBe(1)
    abort.abort()
    await expect.poll(() => metric(port, 'vllm:num_requests_running'), { timeout: 20_000 }).toBe(0)
  })
})

describe('the GPU', () => {
  it('shows two plain engines as C, and the same two as M+C with more SM activity and more tokens', slow, async () => {
    rig = await Rig.open()
    const second = await freePort()
    const rate = async () => {
      const before = [performance.now(), await metric(port, 'vllm:generation_tokens_total')] as const
      const activity = await smActivity()
      return { activity, tokensPerSecond: (1000 * (await metric(port, 'vllm:generation_tokens_total') - before[1])) / (performance.now() - before[0]) }
    }
    const plain = [rig.engine(port), rig.engine(second)]
    await Promise.all([ready(port), ready(second)])
    expect((await processRow(plain[0]?.pid))?.[2]).toBe('C')
    const turns = await rate()
    const gone = plain.map(ended)
    for (const child of plain) child.kill('SIGTERM')
    expect((await Promise.all(gone)).map(({ code }) => code)).toEqual([0, 0])
    expect(rig.tenants()).toEqual([])
    await rig.startDaemon()
    const clients = [rig.engine(port), rig.engine(second)]
    await Promise.all([ready(port), ready(second)])
    expect((await processRow(clients[0]?.pid))?.slice(2, 4)).toEqual(['M+C', '-']) // its use is the server's
    const [server = ''] = (await rig.control('get_server_list')).stdout.split('\n')
    expect((await rig.control(`get_client_list ${server}`)).stdout.trim().split('\n').map(Number).sort()).toEqual(clients.map(({ pid }) => pid).sort())
    expect(Number((await processRow(Number(server)))?.[3])).toBeGreaterThan(60)
    const merged = await rate()
    expect(merged.activity).toBeGreaterThan(turns.activity + 5)
    expect(merged.tokensPerSecond).toBeGreaterThan(1.08 * turns.tokensPerSecond)
    expect(turns.tokensPerSecond).toBeGreaterThan(1000)
  })

  it('is full: an engine that wants more than there is ends with vLLM\'s words, or torch\'s', slow, async () => {
    rig = await Rig.open()
    rig.engine(port, ['--gpu-memory-utilization', '0.7'])
    await ready(port)
    const end = async (more: string[], env = {}) => ended(rig.engine(await freePort(), more, env))
    const torch = { code: 1, words: expect.stringMatching(/^torch\.OutOfMemoryError: CUDA out of memory\. Tried to allocate [\d.]+ GiB/) }
    expect(await end(['--gpu-memory-utilization', '0.7'])).toEqual({ code: 1, words: expect.stringMatching(/^ValueError: Free memory on device cuda:0 \(2\d\.\d\d\/79\.65 GiB\) on startup is less than desired GPU memory utilization \(0\.7, 55\.75 GiB\)/) })
    expect(await end(['--kv-cache-memory-bytes', '40G'])).toEqual(torch)
    expect(await end([], { OVERLAP_SIM_OUT_OF_MEMORY: '1' })).toEqual(torch)
    expect(rig.tenants()).toHaveLength(1)
  })

  it('is not there for an engine that names another', slow, async () => {
    rig = await Rig.open()
    expect(await ended(rig.engine(port, [], { CUDA_VISIBLE_DEVICES: 'GPU-other' }))).toEqual({ code: 1, words: 'RuntimeError: No CUDA GPUs are available\n' })
  })
})

describe('under MPS', () => {
  it('dies with its server, and by terminate_client', slow, async () => {
    rig = await Rig.open()
    await rig.startDaemon()
    const second = await freePort()
    const [one, other] = [rig.engine(port), rig.engine(second)]
    const [first, last] = [ended(one), ended(other)]
    await Promise.all([ready(port), ready(second)])
    const [server = ''] = (await rig.control('get_server_list')).stdout.split('\n')
    expect((await rig.control(`terminate_client ${server} ${one.pid}`)).stdout).toBe('0\n')
    expect(await first).toMatchObject({ code: 1, words: expect.stringContaining('the MPS client has been terminated by the server') })
    expect((await rig.control('quit -t 0')).exitCode).toBe(0)
    expect(await last).toMatchObject({ code: 1, words: expect.stringContaining('MPS server') })
  })

  it('dies with its daemon, too', slow, async () => {
    rig = await Rig.open()
    await rig.startDaemon()
    const gone = ended(rig.engine(port))
    await ready(port)
    process.kill(Number(readFileSync(join(rig.pipe, 'nvidia-cuda-mps-control.pid'), 'utf8')), 'SIGKILL')
    expect(await gone).toMatchObject({ code: 1, words: expect.stringContaining('the remote procedural call between the MPS server and the MPS client failed') })
  })

  it('a fatal fault ends every busy client; an idle one keeps new ones out until it has gone', slow, async () => {
    rig = await Rig.open('two-engines', { serverFaultAfterSeconds: 10 })
    await rig.startDaemon()
    await rig.control('start_server -uid 0')
    const second = await freePort()
    const [child, busy] = [rig.engine(port, [], { OVERLAP_SIM_LOAD: '0' }), rig.engine(second)] // both, before the fault comes
    await Promise.all([ready(port), ready(second)])
    const [server = ''] = (await rig.control('get_server_list')).stdout.split('\n')
    const status = async () => (await rig.control(`get_server_status ${server}`)).stdout
    expect(await ended(busy)).toMatchObject({ code: 1, words: 'CUDA error: an illegal memory access was encountered\n' })
    expect(await status()).toBe('FAULT\n')
    expect(await ended(rig.engine(await freePort()))).toMatchObject({ code: 1, words: expect.stringContaining('MPS server is not ready') })
    const gone = ended(child)
    child.kill('SIGTERM')
    expect((await gone).code).toBe(0)
    await expect.poll(status, { timeout: 20_000 }).toBe('ACTIVE\n')
  })
})

it('does not end when asked, in that scene', slow, async () => {
  rig = await Rig.open()
  const child = rig.engine(port, [], { OVERLAP_SIM_IGNORE_SIGTERM: '1' })
  let words = ''
  child.stdout?.on('data', (chunk) => (words += chunk))
  await ready(port)
  child.kill('SIGTERM')
  await expect.poll(() => words, { timeout: 20_000 }).toContain('Asked to end; does not.')
  await ready(port)
})
