// The control channel among careless neighbours on NVIDIA's own daemon, with and without the turn lock and the sentinel.
import { race } from '../../electron/core/mps/race.testkit.ts'
import { realTools } from '../../electron/core/mps/realDaemon.testkit.ts'
import type { Row } from './row.ts'

export async function run(): Promise<Row[]> {
  const rows: Row[] = []
  for (const branch of ['535', '550'] as const) {
    const tools = await realTools(branch)
    const others = { tools, foreignCallers: 8, pauseMs: 50 }
    const guarded = await race({ ...others, calls: 1000, guarded: true })
    const plain = await race({ ...others, calls: 1000, guarded: false })
    rows.push({
      what: `1,000 set-and-read sessions among 8 foreign callers, real daemon ${branch}`,
      ours: `${guarded.wrong} wrong, ${guarded.refused} given up; ${guarded.overlapped} overlapped a foreign call; ${(guarded.durationMs / guarded.calls).toFixed(1)} ms each, ${guarded.repeats} repeated`,
      yardstick: `${plain.wrong} wrong (${plain.empty} of them empty) without lock and sentinel; ${(plain.durationMs / plain.calls).toFixed(1)} ms each`,
      ratio: plain.wrong === 0 ? null : guarded.wrong / plain.wrong,
      goal: '0 wrong of 1,000',
      note: `the foreign callers themselves got ${guarded.foreign.wrong} wrong of ${guarded.foreign.calls}`,
    })
  }
  return rows
}
