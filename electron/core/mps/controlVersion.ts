// The version that the MPS control program tells of itself: asked until it answered once.
import { type Fault, FaultError } from '../../../shared/fault.ts'
import type { Host, Tools } from '../host/host.ts'
import type { Clock } from '../kit/clock.ts'
import { readControlVersion } from './control.ts'

const ASK_AGAIN_MS = 30_000

export class ControlVersion {
  /** null: not known, or a 535-class program, which prints none. */
  value: string | null = null
  /** Why it did not answer the last time. */
  fault: Fault | null = null
  readonly #parts: { host: Host; tools: Tools; clock: Clock }
  #answered = false
  #askedAtMs = -Infinity

  constructor(parts: { host: Host; tools: Tools; clock: Clock }) {
    this.#parts = parts
  }

  /** `-v` of an old program is a control session with nothing to say, and fails where no daemon runs: that is an answer too. */
  async read(pipeDirectory: string, aborted: AbortSignal): Promise<void> {
    const { host, tools, clock } = this.#parts
    if (this.#answered || clock.steady() - this.#askedAtMs < ASK_AGAIN_MS) return
    const env = { ...tools.env, CUDA_MPS_PIPE_DIRECTORY: pipeDirectory }
    try {
      const output = await host.run({ argv: [...tools.mpsControl, '-v'], env, why: 'read the version of the MPS control program', timeoutMs: 5_000, aborted, whenAborted: 'leave' })
      this.value = readControlVersion(output.stdout)
      this.#answered = true
      this.fault = null
    } catch (error) {
      if (!(error instanceof FaultError)) throw error
      this.fault = error.fault
    }
    this.#askedAtMs = clock.steady()
  }
}
