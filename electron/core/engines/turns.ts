// Whose turn it is to load: one engine at a time on each GPU. Some engines measure its free memory while they load, so that
// nobody else may take or give back any meanwhile. Keeps no queue of its own: the engines' states are the queue.
import { FaultError } from '../../../shared/fault.ts'
import type { LocalEngine } from './engine.ts'

/** To those that have waited longest; `held` are passed over. */
export function giveTurns(all: Iterable<LocalEngine>, held: ReadonlySet<string>): void {
  const engines = [...all]
  const waiting = engines.filter(({ id, life }) => life.state === 'waiting' && !held.has(id)).sort((a, b) => a.life.sinceMs - b.life.sinceMs)
  const served = new Set<string>()
  for (const engine of waiting) {
    const gpu = engine.spec.gpuUuid
    if (gpu !== null && (served.has(gpu) || !isFree(gpu, engines))) continue
    if (gpu !== null) served.add(gpu)
    engine.takeTurn(() => !held.has(engine.id) && (gpu === null || isFree(gpu, engines)))
  }
}

/** Throws HELD while another engine on its GPU loads. */
export function refuseWhileLoading(engine: LocalEngine, all: Iterable<LocalEngine>): void {
  const loading = [...all].find((other) => other !== engine && other.spec.gpuUuid === engine.spec.gpuUuid && isLoading(other))
  if (!loading || engine.spec.gpuUuid === null || engine.run === null) return
  throw new FaultError('HELD', `${loading.spec.name} is loading on the same GPU, and measures its free memory.`, `Wait until ${loading.spec.name} is ready, or stop it first.`)
}

const isFree = (gpuUuid: string, engines: readonly LocalEngine[]): boolean =>
  !engines.some((engine) => engine.spec.gpuUuid === gpuUuid && (isLoading(engine) || ['draining', 'stopping'].includes(engine.life.state)))

/** An adopted engine has its memory already. */
const isLoading = ({ life }: LocalEngine): boolean => life.state === 'starting' && !life.adopted
