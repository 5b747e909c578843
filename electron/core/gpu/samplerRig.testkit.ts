// For tests of the sampler: a scripted Host, a clock moved by hand, and what healthy GPUs print. Not for the product.
import { afterEach, beforeEach } from 'vitest'
import { GpuFrame, type GpuRow, type MetricKey, type SampleStream } from '../../../shared/gpu.ts'
import { REAL_TOOLS } from '../host/host.ts'
import { HandClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import { Sampler } from './sampler.ts'
import { ScriptedHost } from './scriptedHost.testkit.ts'
import { QUERY_FIELDS } from './smi.ts'

const uuid = (gpu: number) => `GPU-${gpu}`
const CELLS: Record<string, string> = {
  timestamp: '2026/11/23 10:00:00.000', name: 'NVIDIA H100 80GB HBM3', driver_version: '580.95.05', compute_mode: 'Default', 'mig.mode.current': 'Disabled',
  persistence_mode: 'Enabled', compute_cap: '9.0', 'memory.total': '81559', 'memory.used': '1000', 'utilization.gpu': '93', 'utilization.memory': '61',
  'power.draw': '300.50', 'enforced.power.limit': '700.00', 'temperature.gpu': '50', 'clocks.sm': '1980', 'clocks.mem': '2619',
}
/** A row for the fields that the stream asked for. */
export const rowFor = (args: string, gpu: number, over: Record<string, string> = {}) => (/--query-gpu=(\S+)/.exec(args)?.[1] ?? '').split(',')
  .map((field) => over[field] ?? { uuid: uuid(gpu), index: String(gpu), 'pci.bus_id': `00000000:${gpu.toString(16).padStart(2, '0')}:00.0` }[field] ?? CELLS[field]).join(', ')
export const LOST = Object.fromEntries(QUERY_FIELDS.map((field) => [field, '[GPU is lost]']))
const PMON = ['# gpu         pid   type     sm    mem    enc    dec    jpg    ofa     fb   ccpm    command ', '# Idx           #    C/G      %      %      %      %      %      %     MB     MB    name ']
export const DMON = ['# gpu    pwr  gtemp  mtemp     smutil       dram ', '# Idx      W      C      C      GPM:%      GPM:% ']
export const NO_DRIVER = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running."

/** A wall clock that can be set while time goes on. */
class SetClock extends HandClock {
  setBackMs = 0
  override now(): number {
    return super.now() - this.setBackMs
  }
}

/** What the present test works with; made anew before each. */
export const rig = {} as { host: ScriptedHost; clock: SetClock; sampler: Sampler }

/** Call once per test file. */
export function useRig(): void {
  beforeEach(() => {
    rig.host = new ScriptedHost()
    rig.clock = new SetClock()
    rig.sampler = new Sampler({ host: rig.host, tools: REAL_TOOLS, clock: rig.clock, log: silentLog })
    rig.sampler.start()
  })
  afterEach(() => rig.sampler.close())
}

export function frame(): GpuFrame {
  return GpuFrame.parse(rig.sampler.frames.value)
}
export function stream(name: SampleStream['name']): SampleStream {
  const found = frame().streams.find((candidate) => candidate.name === name)
  if (!found) throw new Error(`no stream ${name}`)
  return found
}
export function row(gpu = 0): GpuRow {
  const found = frame().rows.find(({ index }) => index === gpu)
  if (!found) throw new Error(`no row of GPU ${gpu}`)
  return found
}
export const read = (key: MetricKey, gpu = 0) => [row(gpu).metrics[key], row(gpu).missing[key]]

/** One second in which every stream that is open prints what healthy GPUs print. */
async function second(gpus: readonly number[] = [0], kinds: readonly string[] = ['--query-gpu', 'pmon', 'dmon']): Promise<void> {
  await rig.clock.advance(500)
  for (const follow of rig.host.followed.filter(({ closed }) => !closed)) {
    if (!kinds.some((kind) => follow.args.startsWith(kind))) continue
    if (follow.args.startsWith('--query-gpu')) for (const gpu of gpus) follow.print(rowFor(follow.args, gpu))
    const watched = (/-i (\S+)/.exec(follow.args)?.[1] ?? '').split(',')
    if (follow.args.startsWith('pmon')) follow.print(...PMON, ...watched.map((gpu) => `    ${gpu}       471${gpu}    M+C     55     41      -      -      -      -  40960      0    python3 -m vllm`))
    if (follow.args.startsWith('dmon')) follow.print(...DMON, ...watched.map((gpu) => `    ${gpu}    300     50     60         77         41 `))
  }
  await rig.clock.advance(500)
}
export async function seconds(count: number, gpus?: readonly number[], kinds?: readonly string[]): Promise<void> {
  for (let at = 0; at < count; at += 1) await second(gpus, kinds)
}
