import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { EngineSpec } from '../../shared/engine.ts'
import { install } from './install.ts'
import { SCENES } from './scenes.ts'

let folder: string
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'overlap-sim-')) })
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it.each(Object.keys(SCENES).filter((scene) => !['foreign-daemon', 'found-engine'].includes(scene)))('%s: engines that the product takes, on GPUs that exist', async (scene) => {
  const installed = await install({ folder, scene })
  expect(installed.engines.length).toBeGreaterThan(1)
  for (const spec of installed.engines) {
    expect(EngineSpec.parse(spec)).toEqual(spec)
    expect(installed.gpuUuids).toContain(spec.gpuUuid)
    expect(spec).toMatchObject({ recipe: 'vllm', executable: 'vllm', asyncScheduling: false, streamIntervalTokens: null })
  }
  expect(new Set(installed.engines.map(({ name }) => name)).size).toBe(installed.engines.length)
  expect(installed.gpuCount).toBe(installed.gpuUuids.length)
})

it('gives the same workstation again', async () => {
  expect({ ...(await install({ folder })), close: 0 }).toEqual({ ...(await install({ folder, scene: 'two-engines' })), close: 0 })
})

it('knows its scenes', async () => {
  await expect(install({ folder, scene: 'constructor' })).rejects.toThrow('No scene is called "constructor"')
})

it('puts vllm in front of PATH, whatever the folder is called, and hands no folder of npm on', async () => {
  const odd = join(folder, 'it\'s a "folder" of $HOME')
  const { tools } = await install({ folder: odd })
  expect(tools.env['PATH']?.split(':')[0]).toBe(join(odd, 'bin'))
  expect(tools.env['PATH']).not.toContain('node_modules/.bin')
  expect(() => execFileSync('vllm', ['serve', '0.5b', '--wrong', '1'], { env: tools.env, stdio: 'pipe', encoding: 'utf8' })).toThrow(expect.objectContaining({ status: 2, stderr: expect.stringContaining('vllm: error: unrecognized arguments: --wrong 1') }))
})
