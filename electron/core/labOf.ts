// The workstation as an experiment sees it: maps its rooms onto the Lab. Decides nothing.
import { cpus, hostname, release } from 'node:os'
import type { Report } from '../../shared/experiment.ts'
import type { Supervisor } from './engines/supervisor.ts'
import type { Lab } from './experiments/lab.ts'
import { cudaVersionArguments, parseCudaVersion } from './gpu/parseCudaVersion.ts'
import type { Sampler } from './gpu/sampler.ts'
import { cpusNear, parseCpuList } from './host/cpus.ts'
import type { Host, Tools } from './host/host.ts'
import type { Procfs } from './host/procfs.ts'
import type { Clock } from './kit/clock.ts'
import type { Log } from './kit/log.ts'
import { generatorCommand, openGenerator } from './load/openGenerator.ts'
import type { GpuDaemons } from './mps/gpuDaemons.ts'

/** Clients that are left when an experiment's daemon ends are its own. */
const FORCE_AFTER_SECONDS = 1
/** A driver that hangs must not hold up an experiment. */
const CUDA_TIMEOUT_MS = 5_000

export interface LabParts {
  host: Host
  clock: Clock
  log: Log
  tools: Tools
  procfs: Procfs
  gpu: Sampler
  mps: GpuDaemons
  engines: Supervisor
  foundEngines: Lab['foundEngines']
  hold: Lab['hold']
  stateDirectory: string
  scene: string | null
  throwaway: Lab['throwaway']
  version: string
  programs: Lab['programs']
}

export function labOf(parts: LabParts): Lab {
  const { host, clock, log, tools, procfs, gpu, mps, engines, programs } = parts
  const daemonOf = (gpuUuid: string) => mps.daemons.value.find((daemon) => daemon.gpuUuid === gpuUuid)
  const identityOf = (gpuUuid: string) => gpu.identities.value.find((identity) => identity.uuid === gpuUuid)
  const cudaCommand = (gpuUuid: string) => ({ argv: [...tools.nvidiaSmi, ...cudaVersionArguments(gpuUuid)], env: tools.env, why: 'read the CUDA version for the report' })
  return {
    clock, log, host, programs,
    stateDirectory: parts.stateDirectory,
    identities: gpu.identities,
    frames: gpu.frames,
    daemons: mps.daemons,
    foundEngines: parts.foundEngines,
    hold: parts.hold,
    simulated: parts.scene !== null,
    scene: parts.scene,
    throwaway: parts.throwaway,
    engines: {
      list: engines.engines,
      addTemporary: (spec) => engines.addTemporary(spec),
      start: (id) => engines.start(id),
      stop: (id, how) => engines.stop(id, how),
      remove: (id) => engines.remove(id),
      preview: (id) => engines.preview(id, 'start'),
      previewStop: (id) => engines.preview(id, 'stop'),
      previewCopy: (spec, place) => engines.previewCopy(spec, place),
      tail: (id, lines) => engines.log(id).tail(lines),
      processes: (id) => engines.processes(id),
      relaunch: (id) => engines.relaunch(id),
      folderOf: (id) => engines.folderOf(id),
      doors: (id) => engines.doors(id),
    },
    mps: {
      start: (gpuUuid) => mps.on(gpuUuid).start(),
      stop: (gpuUuid) => mps.on(gpuUuid).stop({ forceAfterSeconds: FORCE_AFTER_SECONDS }),
      preview: (gpuUuid, action) => mps.on(gpuUuid).preview({ action, forceAfterSeconds: FORCE_AFTER_SECONDS, limits: null }),
      afterlife: (gpuUuid) => {
        const daemon = daemonOf(gpuUuid)
        if (!daemon || daemon.ownership === 'used' || daemon.ownership === 'foreign') return null
        const stat = daemon.daemonPid === null ? null : procfs.processStat(daemon.daemonPid)
        return {
          argv: [...tools.mpsControl], env: { ...tools.env, CUDA_MPS_PIPE_DIRECTORY: daemon.pipeDirectory }, stdin: 'quit -t 1\n',
          daemon: stat && daemon.daemonPid !== null ? { pid: daemon.daemonPid, startTicks: stat.startTicks } : null,
        }
      },
    },
    openGenerator: (ask) => openGenerator({ host, clock, log, programPath: programs.generator, ...ask }),
    previewGenerator: (cpus) => host.preview(generatorCommand({ programPath: programs.generator, cpus })),
    cpus: (gpuUuid) => cpusNear(identityOf(gpuUuid)?.pciBusId ?? null),
    cpusOf: (pid) => {
      const list = procfs.cpusOf(pid)
      return list === null ? null : parseCpuList(list)
    },
    cudaVersion: async (gpuUuid) => {
      const answer = await host.run({ ...cudaCommand(gpuUuid), timeoutMs: CUDA_TIMEOUT_MS, ledger: 'brief' }).catch(() => null)
      return answer === null ? null : parseCudaVersion(answer.stdout)
    },
    previewCudaVersion: (gpuUuid) => host.preview(cudaCommand(gpuUuid)),
    describe: (gpuUuid) => describe(parts, gpuUuid),
  }
}

function describe({ gpu, mps, version }: LabParts, gpuUuid: string): Omit<Report['workstation'], 'cudaVersion'> {
  const identity = gpu.identities.value.find((candidate) => candidate.uuid === gpuUuid)
  const row = gpu.frames.value?.rows.find((candidate) => candidate.uuid === gpuUuid)
  return {
    overlapVersion: version, hostName: hostname(), kernel: release(), cpu: cpus()[0]?.model ?? '', cores: cpus().length, nodeVersion: process.version,
    gpuName: identity?.name ?? '', gpuUuid, driverVersion: identity?.driverVersion ?? null, computeMode: identity?.computeMode ?? null,
    memoryTotalMiB: identity?.memoryTotalMiB ?? null, powerLimitWatts: row?.metrics.powerLimitWatts ?? null,
    mpsControlVersion: mps.daemons.value.find((daemon) => daemon.gpuUuid === gpuUuid)?.controlVersion ?? null,
    gpuMetricsSource: identity?.gpm ? 'GPM (nvidia-smi dmon --gpm-metrics)' : 'nvidia-smi, without GPM: no SM activity',
  }
}
