// One run on its way to ready: asked again and again, given a limit, and timed.
import type { Readiness } from '../../../shared/engine.ts'
import type { Clock } from '../kit/clock.ts'
import { notReady } from './exit.ts'
import type { LifeEvent } from './lifecycle.ts'
import { reachReady, type Findings } from './readiness.ts'
import { doorsOf } from './recipes/recipes.ts'
import type { StartedRun } from './runFolder.ts'

interface LoadingParts {
  run: StartedRun
  /** Its launch was not seen: it is neither timed nor ended when it is late, and no token is asked of it. */
  adopted: boolean
  clock: Clock
  tell(event: LifeEvent): void
  /** Right before it is told that it is ready. Milliseconds from its launch. */
  onLoaded(loadedInMs: number): void
}

export class Loading {
  readonly findings: Findings = { obstacle: '', model: null }
  readonly #end = new AbortController()

  constructor({ run, adopted, clock, tell, onLoaded }: LoadingParts) {
    const beganAtMs = clock.steady()
    const { readyWithinSeconds, name } = run.plan.spec
    const cancelLate = clock.after(readyWithinSeconds * 1000, () => {
      if (!adopted) this.end() // an adopted one may still become ready
      tell({ name: 'late', fault: notReady(name, readyWithinSeconds, this.findings.obstacle) })
    })
    const onStep = (readiness: Readiness) => tell({ name: 'step', readiness })
    const ready = reachReady({ port: run.plan.port, doors: doorsOf(run.plan.spec), skipToken: adopted, clock, signal: this.#end.signal, onStep }, this.findings)
    void ready.then((reached) => {
      if (!reached) return
      if (!adopted) onLoaded(clock.steady() - beganAtMs)
      tell({ name: 'ready' })
    }).finally(cancelLate)
  }

  /** Nothing more is asked. */
  end(): void {
    this.#end.abort()
  }
}
