// The sampler over real child processes: small executables in place of nvidia-smi, started by the real door, in real time.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import type { GpuFrame } from '../../../shared/gpu.ts'
import { LocalHost } from '../host/localHost.ts'
import { systemClock } from '../kit/clock.ts'
import { Disposer } from '../kit/disposer.ts'
import { silentLog } from '../kit/log.ts'
import { Sampler } from './sampler.ts'
import { QUERY_FIELDS } from './smi.ts'

const H100 = fileURLToPath(new URL('./fixtures/h100-580/', import.meta.url))
const CAPTURES = fileURLToPath(new URL('./fixtures/captures/', import.meta.url))
const ROW: Record<string, string> = {
  uuid: 'GPU-5e1f', index: '0', timestamp: '2026/11/23 10:00:00.000', name: 'NVIDIA H100', 'pci.bus_id': '00000000:1A:00.0', driver_version: '580.1', 'memory.total': '81559',
  'memory.used': '7', 'utilization.gpu': '93', 'utilization.memory': '61', 'power.draw': '95.00', 'enforced.power.limit': '700.00', 'temperature.gpu': '34', 'clocks.sm': '345', 'clocks.mem': '2619',
  compute_mode: 'Default', 'mig.mode.current': 'Disabled', persistence_mode: 'Enabled', compute_cap: '9.0',
}
const QUERY_ROW = QUERY_FIELDS.map((field) => ROW[field]).join(', ')

let disposer = new Disposer()
afterEach(async () => {
  await disposer.close()
  disposer = new Disposer()
})

/** An nvidia-smi made of three shell texts. */
function begin(parts: { query: string; pmon: string; dmon: string }): { sampler: Sampler; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'overlap-smi-'))
  disposer.add(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'nvidia-smi')
  writeFileSync(path, `#!/bin/sh
case "$1" in
pmon) ${parts.pmon} ;;
dmon) ${parts.dmon} ;;
*) ${parts.query} ;;
esac
`)
  chmodSync(path, 0o755)
  const sampler = new Sampler({ host: new LocalHost({ log: silentLog }), tools: { nvidiaSmi: [path], mpsControl: ['false'], env: { FOLDER: folder } }, clock: systemClock, log: silentLog })
  disposer.add(() => sampler.close())
  sampler.start()
  return { sampler, folder }
}

/** The first frame that is as wanted. */
const frameWhere = (sampler: Sampler, wanted: (frame: GpuFrame) => boolean): Promise<GpuFrame> =>
  new Promise((resolve) => {
    const end = sampler.frames.subscribe((frame) => {
      if (frame === null || !wanted(frame)) return
      end()
      resolve(frame)
    })
    disposer.add(end)
  })

const slowly = (file: string) => `while IFS= read -r line; do printf '%s\\n' "$line"; case "$line" in \\#*) ;; *) sleep 0.4 ;; esac; done < ${file}; exec sleep 60`
const HALVES = `while :; do printf '%s' '${QUERY_ROW.slice(0, 40)}'; sleep 0.1; printf '%s\\n' '${QUERY_ROW.slice(40)}'; sleep 0.9; done`

it('reads rows that come in halves, real tables, and closes everything', async () => {
  const { sampler } = begin({ query: HALVES, pmon: slowly(`${H100}pmon-clients.txt`), dmon: slowly(`${H100}dmon-gpm-clients.txt`) })
  const frame = await frameWhere(sampler, ({ rows, processes }) => rows[0]?.metrics.smActivityPercent === 77 && processes !== null)
  expect(frame.rows[0]).toMatchObject({ uuid: 'GPU-5e1f', metrics: { powerWatts: 95, memoryUsedMiB: 7, kernelBusyPercent: 93, dramBandwidthPercent: 41 }, missing: {} })
  expect(frame.streams.map(({ badLines }) => badLines)).toEqual([0, 0, 0])
  const pids = sampler.toolPids()
  expect(pids).toHaveLength(3)
  await sampler.close()
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
}, 60_000)

it('a refused driver that comes back heals by itself; a pmon that hangs stops nothing', async () => {
  const { sampler, folder } = begin({
    query: `if [ -e "$FOLDER/loaded" ]; then ${HALVES}; else head -n 1 ${CAPTURES}no-driver.535.txt; exit 9; fi`,
    pmon: 'exec sleep 60',
    dmon: 'echo "ERROR: Option --gpm-metrics is not recognized. Please run \'nvidia-smi -h\'."; exit 255',
  })
  const refused = await frameWhere(sampler, ({ streams }) => streams[0]?.state === 'refused')
  expect(refused).toMatchObject({ rows: [], processes: null, streams: [{ fault: { code: 'DRIVER_UNREACHABLE' } }, {}, {}] })
  writeFileSync(join(folder, 'loaded'), '')
  const healed = await frameWhere(sampler, ({ rows, streams }) => rows[0]?.metrics.powerWatts === 95 && streams[2]?.state === 'unsupported')
  expect(healed.processes).toBeNull()
  expect(healed.streams.map(({ state }) => state)).toEqual(['live', expect.stringMatching(/^(starting|silent)$/), 'unsupported']) // silent: on a machine that took 20 s to come here
  expect(healed.rows[0]?.missing).toEqual({ smActivityPercent: 'notSupported', dramBandwidthPercent: 'notSupported' })
}, 60_000)

it('no nvidia-smi at all', async () => {
  const { sampler, folder } = begin({ query: 'exit 0', pmon: 'exit 0', dmon: 'exit 0' })
  rmSync(join(folder, 'nvidia-smi'))
  const frame = await frameWhere(sampler, ({ streams }) => streams[0]?.state === 'toolMissing')
  expect(frame.streams.every(({ fault }) => fault?.code === 'TOOL_MISSING')).toBe(true)
}, 60_000)
