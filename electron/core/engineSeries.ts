// Which history series an engine feeds, and that they end with it: every experiment brings engines of its own, and the history has room for so many.
import type { Engine } from '../../shared/engine.ts'
import type { History } from './gpu/history.ts'
import type { Topic } from './kit/topic.ts'

/** Null where a value is not known. */
export function seriesOfEngines(engines: readonly Pick<Engine, 'id' | 'rates' | 'gpuMemoryMiB' | 'attachment'>[]): Record<string, number | null> {
  return Object.fromEntries(engines.flatMap(({ id, rates, gpuMemoryMiB, attachment }) => [
    [`engine/${id}/generatedTokensPerSecond`, rates.generatedTokensPerSecond],
    [`engine/${id}/gpuMemoryMiB`, gpuMemoryMiB],
    [`engine/${id}/attached`, attachment.state === 'attached' ? 1 : attachment.state === 'notAttached' ? 0 : null],
  ]))
}

/** From now on, until the returned function is called. */
export function dropWithEngines<Listed extends Pick<Engine, 'id'>>(engines: Topic<Listed[]>, history: Pick<History, 'drop'>): () => void {
  let before = engines.value
  return engines.subscribe((now) => {
    const kept = new Set(now.map(({ id }) => id))
    for (const { id } of before) if (!kept.has(id)) history.drop(`engine/${id}/`)
    before = now
  })
}
