// A private MPS daemon of NVIDIA's, for tests: the real control program, folders of its own, nothing left behind.
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nvidiaParts, type NvidiaBranch } from '../../../e2e/parts/nvidia.ts'
import { systemClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import type { Tools } from '../host/host.ts'
import { LocalHost } from '../host/localHost.ts'
import { Procfs } from '../host/procfs.ts'
import { MachineDaemons } from './sight.ts'
import { GpuDaemon, type GpuDaemonParts } from './daemon.ts'

export interface Bench {
  /** Of no other bench: tests run side by side, and see each other's daemons. */
  gpuUuid: string
  tools: Tools
  host: LocalHost
  procfs: Procfs
  folder: string
  pipe: string
  log: string
  gpuDaemon(more?: Partial<GpuDaemonParts>): GpuDaemon
  /** The control program as a script would call it. */
  raw(input: string, more?: { argv?: string[]; env?: Record<string, string> }): string
  controlLog(): string
  close(): Promise<void>
}

export const realTools = async (branch: NvidiaBranch): Promise<Tools> => {
  const { smi, mpsControl, env } = await nvidiaParts(branch)
  return { nvidiaSmi: smi, mpsControl, env: { ...env } }
}

export function bench(tools: Tools): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'ov-mps-'))
  const pipe = join(folder, 'deep', 'pipe') // its parent does not exist yet
  const log = join(folder, 'log')
  const gpuUuid = `GPU-${randomUUID()}`
  const procfs = new Procfs()
  const host = new LocalHost({ log: silentLog, procfs })
  const daemons: GpuDaemon[] = []
  return {
    gpuUuid, tools, host, procfs, folder, pipe, log,
    gpuDaemon(more = {}) {
      const daemon = new GpuDaemon({
        host, tools, clock: systemClock, log: silentLog, procfs, gpu: { uuid: gpuUuid, index: 0, memoryTotalMiB: 81_559 }, directories: { pipe, log }, uid: process.getuid?.() ?? 0, nameOf: () => null,
        machine: new MachineDaemons(tools.env['OVERLAP_SIM'] ?? null), ...more,
      })
      daemons.push(daemon)
      return daemon
    },
    raw(input, more = {}) {
      const [program = '', ...rest] = [...tools.mpsControl, ...(more.argv ?? [])]
      return execFileSync(program, rest, { input, env: { ...process.env, ...tools.env, CUDA_MPS_PIPE_DIRECTORY: pipe, CUDA_MPS_LOG_DIRECTORY: log, ...more.env }, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] })
    },
    controlLog: () => readFileSync(join(log, 'control.log'), 'utf8'),
    async close() {
      for (const daemon of daemons) await daemon.close()
      endDaemonsBelow(folder, procfs)
      await host.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Kills the daemons whose pipe directory lies in this folder, and no others. */
function endDaemonsBelow(folder: string, procfs: Procfs): void {
  for (const { pid, comm } of procfs.processTable(true)?.values() ?? []) {
    if (comm.startsWith('nvidia-cuda-mps') && procfs.environmentOf(pid)?.['CUDA_MPS_PIPE_DIRECTORY']?.startsWith(`${folder}/`)) process.kill(pid, 'SIGKILL')
  }
}
