// What of a daemon's limits is kept for the next start.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import type { GpuIdentity } from '../../../shared/gpu.ts'
import { Procfs } from '../host/procfs.ts'
import { systemClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import { Settings } from '../store/settings.ts'
import { GpuDaemons } from './gpuDaemons.ts'
import { bench } from './realDaemon.testkit.ts'
import { STAND_IN } from './standIn.testkit.ts'

let clear: (() => Promise<void>) | null = null
afterEach(() => clear?.())

/** The control program is there and serves clients, or not. `used`: it is somebody else's. */
async function daemons({ running, used = false }: { running: boolean; used?: boolean }) {
  const env: Record<string, string> = {}
  const here = bench({ nvidiaSmi: [], mpsControl: [process.execPath, fileURLToPath(new URL('standIn.testkit.ts', import.meta.url))], env })
  env['STAND_IN'] = join(here.folder, 'stand-in.json')
  writeFileSync(env['STAND_IN'], JSON.stringify({ ...STAND_IN, running, servers: running ? [{ pid: 528, status: 'ACTIVE', clients: [42] }] : [] }))
  const settings = await Settings.open({ stateDirectory: here.folder, clock: systemClock })
  if (used) await settings.change((document) => ({ ...document, mps: { ...document.mps, used: { [here.gpuUuid]: join(here.folder, 'theirs') } } }))
  const mps = new GpuDaemons({
    host: here.host, tools: here.tools, clock: systemClock, log: silentLog, procfs: new Procfs({ root: join(here.folder, 'no-proc') }), uid: 0,
    settings, stateDirectory: here.folder, nameOf: () => null, onTheirWay: () => [],
  })
  clear = async () => {
    await mps.close()
    await here.close()
  }
  mps.set([{ uuid: here.gpuUuid, index: 0, memoryTotalMiB: 81_559 } as GpuIdentity])
  const kept = () => (JSON.parse(readFileSync(join(here.folder, 'settings.json'), 'utf8')) as { mps: { limits: object } }).mps.limits
  return { mps, gpuUuid: here.gpuUuid, settings, kept }
}

it("keeps the default of Overlap's own daemon, and nothing of one that is lifted again", async () => {
  const { mps, gpuUuid, kept } = await daemons({ running: false })
  await mps.setLimits(gpuUuid, { of: 'default', sharePercent: 40, pinnedMemoryMiB: null })
  expect(kept()).toEqual({ [gpuUuid]: { sharePercent: 40, pinnedMemoryMiB: null } })
  await mps.setLimits(gpuUuid, { of: 'default', sharePercent: null, pinnedMemoryMiB: null })
  expect(kept()).toEqual({})
})

it('keeps nothing of a running server', async () => {
  const { mps, gpuUuid, settings } = await daemons({ running: true })
  const before = settings.document
  await mps.setLimits(gpuUuid, { of: 'server', sharePercent: 30, pinnedMemoryMiB: null })
  expect(mps.daemons.value[0]?.limits.servers).toMatchObject([{ sharePercent: 30 }])
  expect(settings.document).toBe(before)
})

it("keeps nothing of somebody else's daemon, and leaves what is kept for its own", async () => {
  const { mps, gpuUuid, settings } = await daemons({ running: true, used: true })
  const before = settings.document
  await mps.setLimits(gpuUuid, { of: 'default', sharePercent: 30, pinnedMemoryMiB: null })
  expect(mps.daemons.value[0]).toMatchObject({ ownership: 'used', limits: { default: { sharePercent: 30 } } })
  expect(settings.document).toBe(before)
})
