// The small process that outlives Overlap during an experiment: when Overlap is killed, it undoes what the journal names, and starts again
// what was set aside. An entry of its own:
//   node afterlife.ts <journal> <experiment> <pid of Overlap> <its start time>
// It ends when the experiment's journal is gone. Prints only what went wrong.
import { LocalHost } from '../host/localHost.ts'
import { Procfs } from '../host/procfs.ts'
import { systemClock } from '../kit/clock.ts'
import { openLog } from '../kit/log.ts'
import { startAgain } from './again.ts'
import { readJournal } from './journal.ts'
import { throwAway } from './throwaway.ts'
import { undoMachine } from './undoing.ts'

const LOOK_EVERY_MS = 250
/** What cannot be undone at once (a process stuck in the kernel) is tried again so often; the next start of Overlap tries once more. */
const TRIES = 3

const [path = '', experimentId = '', pid = '', startTicks = ''] = process.argv.slice(2)
const core = { pid: Number(pid), startTicks: Number(startTicks) }
const clock = systemClock
const procfs = new Procfs()
const log = openLog(null, 'warn')

// whoever ends everything around it must not keep it from tidying up
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})

const isOurs = () => readJournal(path)?.head.experimentId === experimentId
while (isOurs() && procfs.isAlive(core)) await clock.sleep(LOOK_EVERY_MS)
const host = new LocalHost({ log, clock, procfs })
const parts = { host, procfs, clock, log }
let undone = false
for (let tries = 0; tries < TRIES && isOurs() && !(undone = await undoMachine(path, parts)); tries += 1) await clock.sleep(LOOK_EVERY_MS)
const throwaway = readJournal(path)?.head.throwaway ?? null
if (throwaway !== null && isOurs()) await throwAway(throwaway, parts)
else if (undone && isOurs()) await startAgain(path, parts)
await host.close()
