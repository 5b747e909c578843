// Whether a report that is gone on with still speaks of one workstation: drivers, power limits and Overlap itself change between sittings. Pure.
import type { Check, Report } from '../../../shared/experiment.ts'

type Workstation = Report['workstation']

const NAMES: Record<Exclude<keyof Workstation, 'gpuUuid'>, string> = {
  hostName: 'machine', gpuName: 'GPU', driverVersion: 'driver', cudaVersion: 'CUDA', mpsControlVersion: 'MPS control', computeMode: 'compute mode', powerLimitWatts: 'power limit, W', memoryTotalMiB: 'GPU memory, MiB',
  gpuMetricsSource: 'GPU readings', cpu: 'CPU', cores: 'cores', kernel: 'Linux', nodeVersion: 'Node', overlapVersion: 'Overlap',
}

/** What is not known on one side is no change. */
export function continuityCheck(earlier: Pick<Report, 'workstation' | 'cellsDone' | 'plan'>, now: Workstation, atMs: number): Check {
  const before = earlier.workstation
  const changes = (Object.keys(NAMES) as (keyof typeof NAMES)[]).flatMap((key) =>
    (before[key] === now[key] || before[key] === null || now[key] === null ? [] : [`${NAMES[key]}: ${before[key]}, then ${now[key]}`]))
  const when = new Date(atMs).toISOString()
  const resumed = `Gone on with on ${when.slice(0, 16).replace('T', ' ')} UTC, when ${earlier.cellsDone.length} of ${earlier.plan.cells.length} cells were done.`
  return {
    name: `resumed/${when}`, weight: 'warns', result: changes.length === 0 ? 'passed' : 'failed', evidence: changes,
    sentence: `${resumed} ${changes.length === 0 ? 'The workstation was as before.' : 'The workstation had changed: cells of before and after it are not alike.'}`,
  }
}
