// A simulated workstation for the tests of experiments: real processes of electron/sim in a folder of its own, and patience with a limit.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExperimentFile } from '../../../shared/experiment.ts'
import { install } from '../../sim/install.ts'
import { systemClock } from '../kit/clock.ts'
import { openLog } from '../kit/log.ts'
import { Workstation } from '../workstation.ts'

const core = join(import.meta.dirname, '..')

export interface Bench {
  workstation: Workstation
  state: string
  until(what: string, isSo: () => boolean, withinMs?: number): Promise<void>
  /** Ends engines, daemons and the folder. */
  clear(): Promise<void>
}

export async function openBench({ scene = 'mps-off', startEngines = true, state = '' }: { scene?: string; startEngines?: boolean; state?: string } = {}): Promise<Bench> {
  const folder = state || (await mkdtemp(join(tmpdir(), 'overlap-x-')))
  const log = openLog(join(folder, 'overlap.log'))
  const installed = await install({ folder: join(folder, 'workstation'), scene })
  const engines = installed.engines.slice(0, 1).map((spec) => ({ ...spec, onMps: false, sharePercent: null, ...(spec.recipe === 'vllm' ? { maxSequences: 8 } : {}), env: { ...spec.env, OVERLAP_SIM_LOAD_SECONDS: '0.2' } }))
  const workstation = await Workstation.open({
    stateDirectory: folder, tools: installed.tools, scene, opening: { startMps: false, startEngines, engines }, clock: systemClock, log, version: 'test',
    presetsFolder: join(core, '../../assets/experiments'),
    programs: { keeper: join(core, 'host/keeper.ts'), generator: join(core, 'load/generator.ts'), afterlife: join(core, 'experiments/afterlife.ts') },
  })
  workstation.begin()
  const until: Bench['until'] = async (what, isSo, withinMs = 60_000) => {
    for (const endMs = Date.now() + withinMs; !isSo(); await systemClock.sleep(50)) if (Date.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}; ${JSON.stringify(workstation.experiments.now.value, null, 1)}`)
  }
  return {
    workstation, state: folder, until,
    async clear() {
      await workstation.experiments.close()
      await workstation.stopEngines()
      await workstation.close()
      await installed.close()
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
    },
  }
}

/** As small as an experiment can be: one second of load, two rounds, few requests. */
export const TINY: ExperimentFile = {
  version: 1, title: 'Tiny', question: 'Does it work at all?', source: null, needs: [], waitsFor: null, engine: null, axes: [],
  arms: [
    { id: 'single', name: 'One engine', kind: 'single', engines: 1, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, asyncScheduling: null, extraArguments: [] },
    { id: 'sliced', name: 'Two, time-sliced', kind: 'timeSliced', engines: 2, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, asyncScheduling: null, extraArguments: [] },
    { id: 'mps', name: 'Two under MPS', kind: 'mps', engines: 2, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, asyncScheduling: null, extraArguments: [] },
  ],
  load: {
    api: 'completions', prompt: { shape: 'fixed', tokens: 16 }, output: { shape: 'fixed', tokens: 64 }, arrivals: { kind: 'closed', concurrency: 16 }, regime: 'equalTotal',
    ignoreEos: true, streamIntervalTokens: 16, goodput: null, seed: 1,
  },
  blocks: { rounds: 2, seconds: 1, warmUpSeconds: 0.5, coolDownSeconds: 0 }, residency: 'auto', readOffAtLatencySeconds: null, claims: [],
}
