// GPU memory of one engine: what it needs (used in an earlier run, else worked out from its spec), and the limit that its present run has.
import { createHash } from 'node:crypto'
import { EngineSpec } from '../../../shared/engine.ts'
import { type MemoryLimit, memoryLimitOf, type MemoryNeed, LIMIT_NAME, needWords, RAISE_LIMIT } from '../../../shared/memoryLimit.ts'
import { gibibytes } from '../../../shared/units.ts'
import type { Explained } from './exit.ts'
import type { Surroundings } from './launch.ts'
import type { MemoryUse, RunFolder, StartedRun } from './runFolder.ts'

export class EngineMemory {
  readonly #folder: RunFolder
  readonly #surroundings: Surroundings
  /** The most that was seen; `size` names what decides it. */
  #most: MemoryUse | null = null
  /** As it is written down. */
  #kept: MemoryUse | null = null
  /** Of the present run; null: none, or not under MPS. */
  #limit: MemoryLimit | null = null
  #sizes = new WeakMap<EngineSpec, string>()
  #estimates = new WeakMap<EngineSpec, number>()

  constructor(folder: RunFolder, surroundings: Surroundings) {
    this.#folder = folder
    this.#surroundings = surroundings
  }

  /** What an earlier Overlap saw. */
  async remember(): Promise<void> {
    this.#most ??= await this.#folder.memoryUse()
    this.#kept = this.#most
  }

  /** A client keeps the limits that it connected under. */
  began(run: StartedRun): void {
    this.#limit = this.#limitOf(run)
  }

  /** Its processes together, once it was ready. */
  saw({ plan: { spec } }: StartedRun, mebibytes: number): void {
    const size = this.#sizeOf(spec)
    if (this.#most?.size !== size || this.#most.mebibytes < mebibytes) this.#most = { size, mebibytes }
  }

  /** Written down; a full disk costs only the memory of it. */
  async ended(): Promise<void> {
    if (this.#most === null || this.#most === this.#kept) return
    this.#kept = this.#most
    await this.#folder.keepMemoryUse(this.#most).catch(() => {})
  }

  need(spec: EngineSpec): MemoryNeed | null {
    if (this.#most !== null && this.#most.size === this.#sizeOf(spec)) return { mebibytes: this.#most.mebibytes, measured: true }
    // asked with every item of the stream, and worked out once
    const mebibytes = this.#estimates.get(spec) ?? this.#surroundings.memoryNeededMiB(spec)
    if (mebibytes === null || mebibytes === 0) return null
    this.#estimates.set(spec, mebibytes)
    return { mebibytes, measured: false }
  }

  /** An end for want of memory under a limit names the limit first. */
  explain(explained: Explained, run: StartedRun): Explained {
    const { spec } = run.plan
    return underLimit(spec.name, explained, this.#limit ?? this.#limitOf(run), this.need(spec))
  }

  #limitOf({ plan: { mps, spec } }: StartedRun): MemoryLimit | null {
    return mps === null || spec.gpuUuid === null ? null : memoryLimitOf(spec.pinnedMemoryLimitMiB, this.#surroundings.mpsLimits(spec.gpuUuid))
  }

  #sizeOf(spec: EngineSpec): string {
    const known = this.#sizes.get(spec)
    if (known !== undefined) return known
    // what is left out does not change what it uses
    const { name: _1, onMps: _2, sharePercent: _3, pinnedMemoryLimitMiB: _4, clientPriority: _5, cpus: _6, port: _7, restartBudget: _8, readyWithinSeconds: _9, ...sized } = EngineSpec.parse(spec) // its keys in one order, whoever made it
    const size = createHash('sha256').update(JSON.stringify(sized)).digest('hex').slice(0, 16)
    this.#sizes.set(spec, size)
    return size
  }
}

/** Of main memory: no limit of MPS speaks of that. */
const MAIN_MEMORY = /bad_alloc|Cannot allocate memory/i

/** With a need above the limit, the same start would end the same. */
export function underLimit(name: string, explained: Explained, limit: MemoryLimit | null, need: MemoryNeed | null): Explained {
  const { fault, curable } = explained
  if (limit === null || fault.code !== 'ENGINE_OUT_OF_MEMORY' || MAIN_MEMORY.test(fault.detail ?? '')) return explained
  const limited = `It was limited to ${gibibytes(limit.mebibytes)} by ${LIMIT_NAME[limit.by]}`
  if (need !== null && need.mebibytes <= limit.mebibytes) {
    return { fault: { ...fault, sentence: `${name} ran out of memory. ${limited}, and ${needWords(need)}.`, hint: `Look whether the GPU was full: stop another engine on it. Else ${lower(RAISE_LIMIT[limit.by])}, or give it less context.` }, curable }
  }
  const more = need === null ? 'model and KV cache may need more' : `${needWords(need)}`
  return { fault: { ...fault, sentence: `${name} ran out of memory. ${limited}; ${need === null ? more : `it ${more}`}.`, hint: `${RAISE_LIMIT[limit.by]}, or give it less context, fewer slots or a smaller KV cache.` }, curable: curable && need === null }
}

const lower = (text: string): string => `${text.charAt(0).toLowerCase()}${text.slice(1)}`
