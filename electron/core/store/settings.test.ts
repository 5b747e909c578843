import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EngineSpec } from '../../../shared/engine.ts'
import { systemClock as clock } from '../kit/clock.ts'
import { Settings } from './settings.ts'

const spec: EngineSpec = {
  recipe: 'custom', name: 'one', gpuUuid: null, onMps: false, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: null, env: {}, cwd: null, restartBudget: 0, readyWithinSeconds: 60,
  argv: ['serve', '{port}'], healthPath: null, metricsPath: null, openAi: false, sequences: null, kvTokens: null,
}
let stateDirectory = ''
beforeEach(() => void (stateDirectory = mkdtempSync(join(tmpdir(), 'overlap-settings-'))))
afterEach(() => rmSync(stateDirectory, { recursive: true, force: true }))
const open = () => Settings.open({ stateDirectory, clock })

describe('Settings', () => {
  it('starts empty and survives a restart', async () => {
    const settings = await open()
    expect(settings.document).toEqual({ version: 1, engines: [], mps: { used: {}, limits: {} }, plainHttp: false })
    await settings.change((document) => ({ ...document, engines: [{ id: 'e1', colour: 2, spec }], mps: { used: { 'GPU-1': '/tmp/nvidia-mps' }, limits: { 'GPU-1': { sharePercent: 40, pinnedMemoryMiB: null } } } }))
    const again = await open()
    expect(again.document).toEqual(settings.document)
    expect(again.document.engines[0]?.spec).toEqual(spec)
  })

  it('reads a file that was written before limits and the plain HTTP door were kept', async () => {
    writeFileSync(join(stateDirectory, 'settings.json'), JSON.stringify({ version: 1, engines: [{ id: 'e1', colour: 2, spec }], mps: { used: { 'GPU-1': '/x' } } }))
    const settings = await open()
    expect([settings.fault, settings.document.engines.length, settings.document.plainHttp, settings.document.mps]).toEqual([null, 1, false, { used: { 'GPU-1': '/x' }, limits: {} }])
  })

  it('makes changes one after another', async () => {
    const settings = await open()
    await Promise.all(Array.from({ length: 10 }, (_, i) =>
      settings.change((document) => ({ ...document, engines: [...document.engines, { id: `e${i}`, colour: i, spec }] }))))
    expect((await open()).document.engines.map((engine) => engine.id)).toEqual(Array.from({ length: 10 }, (_, i) => `e${i}`))
  })

  it('refuses a change that does not fit, and keeps what it had', async () => {
    const settings = await open()
    await expect(settings.change((document) => ({ ...document, engines: [{ id: '', colour: 0, spec }] }))).rejects.toThrow()
    expect(settings.document.engines).toEqual([])
    await settings.change((document) => ({ ...document, engines: [{ id: 'e1', colour: 0, spec }] }))
    expect(settings.document.engines).toHaveLength(1)
  })

  it.each(['{ broken by hand', '{"version":1,"engines":[],"mps":{"used":{}}}'])('writes over no file that somebody changed meanwhile: %s', async (text) => {
    const settings = await open()
    const add = (id: string) => settings.change((document) => ({ ...document, engines: [...document.engines, { id, colour: 0, spec }] }))
    await add('e1')
    await add('e2')
    expect(settings.fault).toBeNull()
    writeFileSync(join(stateDirectory, 'settings.json'), text)
    await add('e3')
    const aside = readdirSync(stateDirectory).find((name) => name.startsWith('settings.json.changed-')) ?? ''
    expect(readFileSync(join(stateDirectory, aside), 'utf8')).toBe(text)
    expect(settings.fault).toMatchObject({ code: 'CONFIG_BROKEN', hint: expect.stringContaining(aside) })
    expect((await open()).document.engines.map(({ id }) => id)).toEqual(['e1', 'e2', 'e3'])
    await add('e4')
    expect(readdirSync(stateDirectory)).toHaveLength(2)
  })

  it('leaves a file that somebody changed where it is when its own cannot be written', () => {
    const path = join(stateDirectory, 'settings.json')
    const script = `
      const { Settings } = await import(${JSON.stringify(import.meta.resolve('./settings.ts'))})
      const { systemClock: clock } = await import(${JSON.stringify(import.meta.resolve('../kit/clock.ts'))})
      const settings = await Settings.open({ stateDirectory: ${JSON.stringify(stateDirectory)}, clock })
      ;(await import('node:fs')).writeFileSync(${JSON.stringify(path)}, 'by hand')
      await settings.change((document) => ({ ...document, mps: { used: { 'GPU-1': '/x'.repeat(20_000) }, limits: {} } })).catch(({ fault }) => console.log(fault.code, settings.fault))`
    // a process that may write no file larger than 8 KiB: the copy fits, the settings do not
    const { stdout, stderr } = spawnSync('sh', ['-c', 'ulimit -f 16; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(stdout, stderr).toBe('NOT_WRITTEN null\n')
    expect(readFileSync(path, 'utf8')).toBe('by hand')
    expect(readdirSync(stateDirectory)).toEqual(['settings.json'])
  })

  it('keeps a file of a later version aside and says so', async () => {
    writeFileSync(join(stateDirectory, 'settings.json'), '{"version":2,"engines":[],"mps":{"used":{}}}')
    const settings = await open()
    expect(settings.fault).toMatchObject({ code: 'CONFIG_BROKEN' })
    await settings.change((document) => document)
    expect(readdirSync(stateDirectory).sort()).toEqual(['settings.json', expect.stringMatching(/^settings\.json\.broken-/)])
  })
})
