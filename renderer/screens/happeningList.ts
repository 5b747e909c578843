// The list of what happened on one GPU, from marks and from present states. Pure.
import { mpsWord, type MpsDaemon } from '../../shared/mps.ts'
import type { SettledEngine } from '../state/engines.ts'
import type { Mark } from '../state/marks.ts'

/** Rows shown at most. */
const SHOWN = 60

/** Newest first. What was so before the page was opened has no mark: it stands there since its state began. */
export function happenings(marks: readonly Mark[], engines: readonly SettledEngine[], daemon: MpsDaemon | null, gpuUuid: string | null): Mark[] {
  const present: Mark[] = [
    ...engines.flatMap(({ state, sinceMs, spec, colour, lastExit }) => [
      { atMs: sinceMs, gpuUuid: spec.gpuUuid, label: `${spec.name} ${state}`, colour },
      ...(lastExit?.atMs == null ? [] : [{ atMs: lastExit.atMs, gpuUuid: spec.gpuUuid, label: lastExit.sentence.startsWith(`${spec.name} `) ? lastExit.sentence : `${spec.name}: ${lastExit.sentence}`, colour }]),
    ]),
    ...(daemon === null ? [] : [{ atMs: daemon.sinceMs, gpuUuid, label: `MPS ${mpsWord(daemon.state)}`, colour: null }]),
  ]
  const here = marks.filter((mark) => mark.gpuUuid === null || mark.gpuUuid === gpuUuid)
  const each = new Map([...here, ...present].map((mark) => [`${mark.atMs} ${mark.label}`, mark]))
  // of one millisecond, what was heard last stands first
  return [...each.values()].reverse().sort((a, b) => b.atMs - a.atMs).slice(0, SHOWN)
}
