// Whose turn it is to load: one engine at a time on each GPU. Some engines measure its free memory while they load, so that
// nobody else may take or give back any meanwhile. Keeps no queue of its own: the engines' states are the queue.
import { FaultError } from '../../../shared/fault.ts'
import type { LocalEngine } from './engine.ts'
import type { Surroundings } from './launch.ts'

/** To those that have waited longest; `held` are passed over. */
export function giveTurns(all: Iterable<LocalEngine>, held: ReadonlySet<string>, elsewhere: Surroundings['loadingElsewhere']): void {
  const engines = [...all]
  const waiting = engines.filter(({ id, life }) => life.state === 'waiting' && !held.has(id)).sort((a, b) => a.life.sinceMs - b.life.sinceMs)
  const served = new Set<string>()
  for (const engine of waiting) {
    const gpu = engine.spec.gpuUuid
    if (gpu !== null && (served.has(gpu) || !isFree(gpu, engines) || elsewhere(gpu) !== null)) continue
    if (gpu !== null) served.add(gpu)
    engine.takeTurn(() => !held.has(engine.id) && (gpu === null || (isFree(gpu, engines) && elsewhere(gpu) === null)))
  }
}

/** Throws HELD while another engine on its GPU loads. */
export function refuseWhileLoading(engine: LocalEngine, all: Iterable<LocalEngine>, elsewhere: Surroundings['loadingElsewhere']): void {
  const { gpuUuid } = engine.spec
  if (gpuUuid === null || engine.run === null) return
  const own = [...all].find((other) => other !== engine && other.spec.gpuUuid === gpuUuid && isLoading(other))
  const loading = own?.spec.name ?? elsewhere(gpuUuid)
  if (loading === null) return
  throw new FaultError('HELD', `${loading} is loading on the same GPU, and measures its free memory.`, `Wait until ${loading} is ready, or stop it first.`)
}

const isFree = (gpuUuid: string, engines: readonly LocalEngine[]): boolean =>
  !engines.some((engine) => engine.spec.gpuUuid === gpuUuid && (isLoading(engine) || ['draining', 'stopping'].includes(engine.life.state)))

/** An adopted engine has its memory already. */
const isLoading = ({ life }: LocalEngine): boolean => life.state === 'starting' && !life.adopted
