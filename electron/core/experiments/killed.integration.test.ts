// kill -9 of a whole core while it measures, on the simulated workstation: nothing is left, and what was there before runs again, without any Overlap.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { StartedRun } from '../engines/runFolder.ts'
import type { ProcessId } from '../host/host.ts'
import { Procfs } from '../host/procfs.ts'
import { openBench, type Bench } from './workstation.testkit.ts'

const procfs = new Procfs()
const state = mkdtempSync(join(tmpdir(), 'overlap-killed-'))
let bench: Bench | null = null
afterEach(() => bench?.clear())

const within = async (ms: number, isSo: () => boolean): Promise<boolean> => {
  for (const endMs = Date.now() + ms; !isSo(); await new Promise((resolve) => setTimeout(resolve, 50))) if (Date.now() > endMs) return false
  return true
}

it('leaves nothing, and starts again what was set aside', async () => {
  const core = spawn(process.execPath, [join(import.meta.dirname, 'experimentingCore.testkit.ts'), state], { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await new Promise<string>((resolve) => core.stdout.once('data', (text: Buffer) => resolve(text.toString())))
  const { temporary, daemonPid, serverPids } = JSON.parse(line) as { temporary: ProcessId[]; daemonPid: number; serverPids: number[] }
  const others = [daemonPid, ...serverPids].flatMap((pid) => procfs.processStat(pid) ?? [])
  const before = [...temporary, ...others]
  expect(before).toHaveLength(4)
  core.kill('SIGKILL')

  const mine = () => [...(procfs.processTable(true)?.keys() ?? [])].filter((pid) => procfs.commandLine(pid)?.some((word) => word.includes(join(state, 'engines', 't')) || word.includes(join(state, 'experiment.journal'))))
  expect(await within(60_000, () => before.every((one) => !procfs.isAlive(one)) && mine().length === 0)).toBe(true)
  expect(readdirSync(join(state, 'engines')).filter((name) => name.startsWith('t'))).toEqual([])

  const [alpha = ''] = readdirSync(join(state, 'engines'))
  const run = () => StartedRun.safeParse(JSON.parse(readFileSync(join(state, 'engines', alpha, 'run.json'), 'utf8'))).data
  expect(procfs.isAlive(run()?.engine ?? { pid: 0, startTicks: 0 })).toBe(true)
  expect(run()?.plan.spec.name).toBe('alpha')
  expect(existsSync(join(state, 'experiment.journal'))).toBe(false)

  bench = await openBench({ state, startEngines: false })
  const { engines } = bench.workstation
  await bench.until('alpha is ready', () => engines.engines.value[0]?.state === 'ready')
  expect(engines.engines.value).toMatchObject([{ adopted: true, pid: run()?.engine.pid, spec: { name: 'alpha' } }])
}, 180_000)
