// What watching costs: CPU of the core for 8 GPUs and 16 engines at 1 Hz with nobody looking, beside what the tools and engines themselves take.
import { readdirSync, readFileSync } from 'node:fs'
import { openCore } from '../core.ts'
import type { Row } from './row.ts'

/** The first holds what V8 compiles; the last is what hours cost. */
const MINUTES = 4
const TICKS_PER_SECOND = 100

function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return 0
  }
}

/** Processes of one state folder by what they are: the tools write their names into their arguments. */
function toolPids(state: string, program: string): number[] {
  return readdirSync('/proc').map(Number).filter((pid) => {
    try {
      return Number.isInteger(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${state}/`)
    } catch {
      return false
    }
  })
}

export async function run(): Promise<Row[]> {
  const core = await openCore({ scene: 'eight-gpus' })
  const waitUntil = async (done: () => Promise<boolean>) => {
    while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  await waitUntil(async () => (await core.first<{ state: string }[]>('engine.list')).every((engine) => engine.state === 'ready'))
  await new Promise((resolve) => setTimeout(resolve, 5000))
  const groups = { core: [core.pid], 'nvidia-smi': toolPids(core.state, 'nvidiaSmi.ts'), engines: toolPids(core.state, 'bin/vllm'), keepers: toolPids(core.state, 'keeper.ts') }
  const spent = () => Object.fromEntries(Object.entries(groups).map(([name, pids]) => [name, pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)]))
  const minutes: Record<string, number>[] = []
  for (let minute = 0; minute < MINUTES; minute++) {
    const before = spent()
    await new Promise((resolve) => setTimeout(resolve, 60_000))
    const after = spent()
    minutes.push(Object.fromEntries(Object.keys(groups).map((name) => [name, (100 * (after[name]! - before[name]!)) / 60])))
  }
  await core.close()
  const percents = (name: string, digits: number) => minutes.map((minute) => minute[name]!.toFixed(digits)).join(', ')
  const last = minutes.at(-1)!
  return [{
    what: 'core without its children, 8 GPUs and 16 engines at 1 Hz, no page open',
    ours: `${percents('core', 2)} % of a core, minute by minute`,
    yardstick: `${percents('nvidia-smi', 2)} % for the simulated nvidia-smi streams (query, two pmon, dmon) of the same minutes`,
    ratio: last['core']! / last['nvidia-smi']!,
    goal: '≤ 1 % of a core',
    note: `ratio of the last minute; beside it 16 simulated engines ${last['engines']!.toFixed(1)} %, 16 keepers ${last['keepers']!.toFixed(2)} %. The real nvidia-smi needs a GPU: on an H100 its dmon with GPM took 1.3 %, pmon 7.5 %, the query stream 0.8 % of a core.`,
  }]
}
