// NVIDIA's own MPS daemon and real llama-server engines behind the whole product, from the screen to the process.
// Without a GPU the daemon runs and its server cannot: that must be said in plain words.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test as playwright } from '@playwright/test'
import { openBrowser, openContext } from '../browser.ts'
import { endLeftovers, openCore, type Core } from '../core.ts'
import { available } from '../parts/parts.ts'
import { realTools } from '../realTools.ts'
import type { Engine } from '../../shared/engine.ts'
import type { MpsDaemon } from '../../shared/mps.ts'

const { expect } = playwright
const parts = await available()

for (const branch of ['535', '550'] as const) {
  playwright(`NVIDIA's daemon ${branch}: started, queried, its failing server explained, stopped, all from the screen`, async ({}, info) => {
    playwright.skip(info.project.metadata['face'] === 'desktop', 'once is enough: the desktop has the same core')
    playwright.skip(parts[`nvidia-${branch}`] !== null || parts.llama !== null, `nvidia-${branch}: ${parts[`nvidia-${branch}`] ?? parts.llama}`)
    const folder = await mkdtemp(join(tmpdir(), 'ov-'))
    const { env } = await realTools(folder, branch)
    const core = await openCore({ real: true, state: join(folder, 's'), env })
    const browser = await openBrowser()
    const page = await (await openContext(browser)).newPage()
    await page.goto(`${core.url}#token=${core.token}`)
    await expect(page.getByText('No engine yet')).toBeVisible() // before that, nobody listens to keys
    await page.keyboard.press('2')
    await page.getByRole('button', { name: 'Start MPS', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Start MPS', exact: true }).click()
    await expect(page.getByText(/no CUDA-capable device|finds no CUDA device|sees no GPU|no GPU/i).first()).toBeVisible()
    await expect(page.getByText('A control command was answered in full.')).toBeVisible()
    const [daemon] = await core.first<MpsDaemon[]>('mps.daemons')
    expect(daemon).toMatchObject({ state: 'noServer', fault: { code: 'NO_CUDA_DEVICE' }, ownership: 'overlap', limits: { default: { sharePercent: 100, pinnedMemory: 'none' } }, proof: { listening: true, answers: true } })
    expect(daemon!.daemonPid).toBe(daemon!.proof.lockOwnerPid)
    await core.call('mps.setLimits', { gpuUuid: daemon!.gpuUuid, of: 'default', sharePercent: 37.5, pinnedMemoryMiB: 8192 })
    const [limited] = await core.first<MpsDaemon[]>('mps.daemons')
    expect(limited!.limits).toMatchObject({ wanted: { sharePercent: 37.5, pinnedMemoryMiB: 8192 }, default: { sharePercent: 37.5, pinnedMemory: '8G' } })
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Stop MPS', exact: true }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Stop MPS', exact: true }).click()
    await expect(page.getByText('No MPS daemon serves this GPU.')).toBeVisible()
    expect((await core.first<MpsDaemon[]>('mps.daemons'))[0]).toMatchObject({ state: 'stopped', daemonPid: null })
    await browser.close()
    await core.close()
    await endLeftovers(folder)
    await rm(folder, { recursive: true, force: true })
  })
}

playwright('two real llama-server engines: added and started, tokens per second from their own metrics, adopted after kill -9, stopped', async ({}, info) => {
  playwright.skip(info.project.metadata['face'] === 'desktop', 'once is enough: the desktop has the same core')
  playwright.skip(parts.llama !== null, String(parts.llama))
  const folder = await mkdtemp(join(tmpdir(), 'ov-'))
  const { env, llamaServer, model, gpuUuid } = await realTools(folder, '535')
  const open = (): Promise<Core> => openCore({ real: true, state: join(folder, 's'), env })
  const engines = (core: Core) => core.first<Engine[]>('engine.list')
  let core = await open()
  for (const name of ['one', 'two']) {
    const spec = {
      recipe: 'llamaServer', name, gpuUuid, onMps: false, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: null, env: {}, cwd: null, restartBudget: 2, readyWithinSeconds: 60,
      executable: llamaServer, modelPath: model, contextTokens: 1024, slots: 2, gpuLayers: 0, extraArguments: ['--threads', '1'],
    }
    const { id } = await core.call<{ id: string }>('engine.add', { spec })
    await core.call('engine.start', { id })
  }
  await expect.poll(async () => (await engines(core)).map((engine) => engine.state), { timeout: 60_000 }).toEqual(['ready', 'ready'])
  const load = async () => {
    const ask = (port: number | null) =>
      fetch(`http://127.0.0.1:${port}/v1/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ prompt: 'overlap', max_tokens: 120, ignore_eos: true }) }).then((answer) => answer.json())
    await Promise.all((await engines(core)).map((engine) => ask(engine.port)))
  }
  await expect.poll(async () => {
    await load()
    return (await engines(core)).map((engine) => (engine.rates.generatedTokensPerSecond ?? 0) > 1)
  }, { timeout: 60_000 }).toEqual([true, true])
  const before = await engines(core)
  expect(before.map((engine) => engine.rates.source)).toEqual([expect.stringContaining('llamacpp:tokens_predicted'), expect.stringContaining('llamacpp:tokens_predicted')])
  expect(before.map((engine) => engine.attachment)).toMatchObject([{ state: 'notAttached', reason: 'notAsked' }, { state: 'notAttached', reason: 'notAsked' }])

  core.signal('SIGKILL')
  await core.exited
  core = await open()
  await expect.poll(async () => (await engines(core)).map(({ pid, state, adopted }) => ({ pid, state, adopted }))).toEqual(before.map(({ pid }) => ({ pid, state: 'ready', adopted: true })))

  for (const { id } of before) await core.call('engine.stop', { id, drainSeconds: 5 })
  await expect.poll(async () => (await engines(core)).map((engine) => engine.state), { timeout: 30_000 }).toEqual(['stopped', 'stopped'])
  await core.close()
  await endLeftovers(folder)
  await rm(folder, { recursive: true, force: true })
})
