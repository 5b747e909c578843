// A core in the middle of an experiment, to be killed: journal, afterlife, engines under real keepers, a daemon. Prints its processes and waits.
//   node killedCore.testkit.ts <state folder>
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ProcessId } from '../host/host.ts'
import { LocalHost } from '../host/localHost.ts'
import { Procfs } from '../host/procfs.ts'
import { systemClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import { Journal } from './journal.ts'

const keeper = fileURLToPath(new URL('../host/keeper.ts', import.meta.url))
const afterlife = fileURLToPath(new URL('./afterlife.ts', import.meta.url))
const [state = ''] = process.argv.slice(2)
const host = new LocalHost({ log: silentLog, clock: systemClock })
const procfs = new Procfs()
const core = { pid: process.pid, startTicks: procfs.processStat(process.pid)?.startTicks ?? 0 }
const path = join(state, 'experiment.journal')
const launch = (argv: string[], name: string) => host.launch({ argv, why: name, logPath: join(state, `${name}.log`) })

async function engine(id: string, program: string, amended: boolean): Promise<ProcessId> {
  const folder = join(state, 'engines', id)
  const number = journal.making({ kind: 'engine', id, folder, engine: null, keeper: null })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'plan.json'), JSON.stringify({ version: 1, runId: id, spec: { env: {} } }))
  const kept = await launch([process.execPath, keeper, folder, '--', process.execPath, '-e', program], id)
  if (amended) journal.amend(number, { kind: 'engine', id, folder, engine: null, keeper: kept })
  return kept
}

const journal = Journal.begin(path, { experimentId: 'x1', core, bootId: procfs.bootId(), atMs: Date.now(), throwaway: null })
const watch = await launch([process.execPath, afterlife, path, 'x1', String(core.pid), String(core.startTicks)], 'afterlife')
journal.watchedBy(watch)
journal.making({ kind: 'setAside', id: 'e1', name: 'alpha', again: null })
const daemon = await launch([process.execPath, '-e', 'setInterval(() => {}, 1000)'], 'daemon')
journal.making({ kind: 'daemon', gpuUuid: 'GPU-1', quit: { argv: ['sh', '-c', `cat > "${join(state, 'quit')}"`], env: {}, stdin: 'quit -t 1\n', daemon } })
const keepers = [
  await engine('polite', 'setInterval(() => {}, 1000)', true),
  // whose pids never reached the journal, that does not end when asked, and that has a child
  await engine('stubborn', 'process.on("SIGTERM", () => {}); require("child_process").spawn("sleep", ["1000"]); setInterval(() => {}, 1000)', false),
]
process.stdout.write(`${JSON.stringify({ watch, daemon, keepers })}\n`)
setInterval(() => {}, 1000)
