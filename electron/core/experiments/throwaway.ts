// A workstation that was made for one experiment and goes with it: what runs in it is ended, its folder removed. Only for a simulated one.
import { rmSync } from 'node:fs'
import type { Host } from '../host/host.ts'
import type { Procfs } from '../host/procfs.ts'
import type { Clock } from '../kit/clock.ts'
import type { Throwaway } from './journal.ts'

const TRIES = 40
const LOOK_EVERY_MS = 50

/** Every process with the mark in its environment, again until there is none: one may start another meanwhile. */
export async function throwAway({ folder, mark }: Throwaway, { host, procfs, clock }: { host: Pick<Host, 'signal'>; procfs: Procfs; clock: Clock }): Promise<void> {
  const marked = () => [...(procfs.processTable(true)?.values() ?? [])].filter(({ pid }) => pid !== process.pid && procfs.environmentOf(pid)?.[mark.name] === mark.value)
  for (let tries = 0, left = marked(); tries < TRIES && left.length > 0; tries += 1, left = marked()) {
    for (const { pid, startTicks } of left) host.signal({ pid, startTicks }, 'SIGKILL', 'process')
    await clock.sleep(LOOK_EVERY_MS)
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}
