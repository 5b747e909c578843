// Click to proof: MPS started and stopped through the contract, beside the same commands typed by hand, on the simulated workstation.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { endLeftovers, openCore, root } from '../core.ts'
import { median, ms, type Row } from './row.ts'
import type { MpsDaemon } from '../../shared/mps.ts'

const TURNS = 7

export async function run(): Promise<Row[]> {
  const core = await openCore({ scene: 'mps-off' })
  let daemon: MpsDaemon | undefined
  while (!daemon) daemon = (await core.first<MpsDaemon[]>('mps.daemons'))[0]
  const { gpuUuid } = daemon
  const starts: number[] = []
  const stops: number[] = []
  const time = async (times: number[], work: () => Promise<unknown>) => {
    const began = performance.now()
    await work()
    times.push(performance.now() - began)
  }
  for (let turn = 0; turn < TURNS; turn++) {
    await time(starts, () => core.call('mps.start', { gpuUuid }))
    await time(stops, () => core.call('mps.stop', { gpuUuid, forceAfterSeconds: 0 }))
  }

  const folder = await mkdtemp(join(tmpdir(), 'ov-hand-'))
  const env = { ...process.env, OVERLAP_SIM: join(core.state, 'sim/mps-off/workstation'), CUDA_MPS_PIPE_DIRECTORY: join(folder, 'pipe'), CUDA_MPS_LOG_DIRECTORY: join(folder, 'log') }
  const control = async (input: string | null): Promise<string> => {
    const child = promisify(execFile)(process.execPath, [join(root, 'electron/sim/mpsControl.ts'), ...(input === null ? ['-d'] : [])], { env })
    child.child.stdin?.end(input ?? '')
    return (await child).stdout
  }
  const handStarts: number[] = []
  const handStops: number[] = []
  for (let turn = 0; turn < TURNS; turn++) {
    await time(handStarts, async () => {
      await control(null)
      await control('start_server -uid 0\n')
      let pid = ''
      while (!(pid = (await control('get_server_list\n')).trim()));
      while (!(await control(`get_server_status ${pid}\n`)).includes('ACTIVE'));
    })
    await time(handStops, () => control('quit -t 0\n'))
  }
  await endLeftovers(folder)
  await rm(folder, { recursive: true, force: true })
  await core.close()
  return [
    { what: 'click to server ACTIVE and proven (simulated)', ours: ms(median(starts)), yardstick: `${ms(median(handStarts))} by hand (-d, start_server, list and status until ACTIVE)`, ratio: median(starts) / median(handStarts), goal: '≤ 1.5' },
    { what: 'click to seen stopped (simulated)', ours: ms(median(stops)), yardstick: `${ms(median(handStops))} by hand (quit -t 0)`, ratio: median(stops) / median(handStops), goal: '≤ 1.5' },
  ]
}
