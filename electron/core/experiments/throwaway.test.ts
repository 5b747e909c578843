// A workstation made for one experiment: every process with its mark ends, and no other; the folder goes.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { LocalHost } from '../host/localHost.ts'
import { Procfs } from '../host/procfs.ts'
import { systemClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import { throwAway } from './throwaway.ts'

const procfs = new Procfs()
const host = new LocalHost({ log: silentLog, clock: systemClock, procfs })
const children: ChildProcess[] = []
afterEach(() => {
  for (const { pid } of children.splice(0)) for (const one of procfs.processTree(pid ?? 0)) process.kill(one, 'SIGKILL')
})

/** One that has a child of its own, and listens to nothing. */
async function start(env: Record<string, string>): Promise<ChildProcess> {
  const program = 'process.on("SIGTERM", () => {}); const child = require("child_process").spawn("sleep", ["1000"]); console.log(child.pid); setInterval(() => {}, 1000)'
  const child = spawn(process.execPath, ['-e', program], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  await once(child.stdout!, 'data')
  return child
}

it('ends what has the mark, with its children, and removes the folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'overlap-throwaway-'))
  writeFileSync(join(folder, 'something'), 'x')
  const [marked, other, none] = [await start({ OVERLAP_MARK: folder }), await start({ OVERLAP_MARK: `${folder}x` }), await start({})]
  const tree = procfs.processTree(marked.pid!)
  expect(tree).toHaveLength(2)
  const ended = once(marked, 'exit')
  await throwAway({ folder, mark: { name: 'OVERLAP_MARK', value: folder } }, { host, procfs, clock: systemClock })
  await ended
  expect(tree.filter((pid) => procfs.environmentOf(pid)?.['OVERLAP_MARK'] === folder)).toEqual([])
  expect([other, none].map(({ pid }) => procfs.processTree(pid!).length)).toEqual([2, 2])
  expect(existsSync(folder)).toBe(false)
}, 30_000)
