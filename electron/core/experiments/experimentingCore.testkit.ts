// A core in the middle of an experiment on the simulated workstation, to be killed. Prints a line when it measures.
//   node experimentingCore.testkit.ts <state folder>
import { openBench, TINY } from './workstation.testkit.ts'

const bench = await openBench({ state: process.argv[2] ?? '' })
const { engines, experiments, gpu, mps } = bench.workstation
await bench.until('the scene is open', () => engines.engines.value[0]?.state === 'ready' && gpu.frames.value?.processes?.length === 1 && mps.daemons.value[0]?.state === 'stopped')
const file = { ...TINY, arms: TINY.arms.slice(2), load: { ...TINY.load, arrivals: { kind: 'poisson' as const, perSecond: 5 } }, blocks: { ...TINY.blocks, seconds: 60 } }
await experiments.start({ preset: null, file, gpuUuid: null, engineId: engines.engines.value[0]?.id ?? null, resumes: null })
await bench.until('measuring', () => experiments.now.value?.phase === 'measuring')
const temporary = engines.facts.flatMap(({ run, spec }) => (spec.name === 'alpha' || run === null ? [] : [{ pid: run.pid, startTicks: run.startTicks }]))
process.stdout.write(`${JSON.stringify({ temporary, daemonPid: mps.daemons.value[0]?.daemonPid, serverPids: mps.daemons.value[0]?.servers.map(({ pid }) => pid) })}\n`)
