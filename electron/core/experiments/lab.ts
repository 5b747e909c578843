// What an experiment needs of the workstation, and nothing more. workstation.ts hands it in.
import type { CommandPreview } from '../../../shared/command.ts'
import type { Engine, EngineSpec } from '../../../shared/engine.ts'
import type { Hold, Report } from '../../../shared/experiment.ts'
import type { FoundEngine } from '../../../shared/foundEngine.ts'
import type { GpuFrame, GpuIdentity } from '../../../shared/gpu.ts'
import type { MpsDaemon } from '../../../shared/mps.ts'
import type { Relaunch } from '../engines/launch.ts'
import type { Host, ProcessId } from '../host/host.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { Topic } from '../kit/topic.ts'
import type { Generator } from '../load/target.ts'
import type { Throwaway } from './journal.ts'

export interface Lab {
  clock: Clock
  log: Log
  host: Host
  stateDirectory: string
  identities: Topic<GpuIdentity[]>
  frames: Topic<GpuFrame | null>
  daemons: Topic<MpsDaemon[]>
  engines: {
    list: Topic<Engine[]>
    /** Not stored; `change`, `remove` and restarts of others do not reach it. Its id. Throws like engine.add. */
    addTemporary(spec: EngineSpec): Promise<string>
    start(id: string): Promise<void>
    stop(id: string, how: { drainSeconds: number }): Promise<void>
    remove(id: string): Promise<void>
    /** With the port that the start will use. */
    preview(id: string): Promise<CommandPreview[]>
    /** What `stop` would run now. */
    previewStop(id: string): Promise<CommandPreview[]>
    /** What would start a copy of this spec, which is not there yet. */
    previewCopy(spec: EngineSpec, place: { port: number; mps: { pipeDirectory: string; daemonPid: number | null } | null }): CommandPreview
    tail(id: string, lines: number): Promise<string[]>
    /** The process that leads the engine's group, and its keeper; null: it does not run. */
    processes(id: string): { engine: ProcessId; keeper: ProcessId | null } | null
    /** What starts it once more when Overlap is dead; null: it does not run. */
    relaunch(id: string): Relaunch | null
    folderOf(id: string): string
    /** Doors of a running engine: where to send requests. null: it does not serve OpenAI's completions. */
    doors(id: string): { url: string; model: string | null; apiKey: string | null } | null
  }
  mps: {
    start(gpuUuid: string): Promise<void>
    stop(gpuUuid: string): Promise<void>
    /** What start and stop would run now. */
    preview(gpuUuid: string, action: 'start' | 'stop'): CommandPreview[]
    /** What a process must do to end the daemon when Overlap is dead. null: there is none of ours. */
    afterlife(gpuUuid: string): { argv: string[]; env: Record<string, string>; /** Written to its standard input. */ stdin: string; daemon: ProcessId | null } | null
  }
  /** Opens a generator of as many processes as there may be engines, away from `cpus` of engines. */
  openGenerator(parts: { processes: number; cpus: string | null }): Promise<Generator>
  /** One of its processes, as it would be started. */
  previewGenerator(cpus: string | null): CommandPreview
  /** CPUs of this machine: all that we may use, and those on the GPU's NUMA node (all of them where that is not known). */
  cpus(gpuUuid: string): { all: number[]; near: number[] }
  /** CPUs that a process may use, as the kernel has it; null: cannot be told. */
  cpusOf(pid: number): number[] | null
  /** Engines that Overlap did not start, as they are known now. */
  foundEngines(): readonly FoundEngine[]
  /** While it is held, writes of the contract are refused and engines are not restarted by themselves. */
  hold: Topic<Hold | null>
  /** Asked of nvidia-smi once; null: it does not tell. */
  cudaVersion(gpuUuid: string): Promise<string | null>
  previewCudaVersion(gpuUuid: string): CommandPreview
  /** What the report says of the machine. */
  describe(gpuUuid: string): Omit<Report['workstation'], 'cudaVersion'>
  /** This workstation was made for one experiment and goes with it; null: it stays. */
  throwaway: Throwaway | null
  simulated: boolean
  scene: string | null
  /** Program files that are started by path. */
  programs: { generator: string; afterlife: string }
}
