// Which history series an engine feeds, and that they end with it: every experiment brings engines of its own, and the history has room for so many.
import type { Engine } from '../../shared/engine.ts'
import type { History } from './gpu/history.ts'

/** Null where a value is not known. */
export function seriesOfEngines(engines: readonly Pick<Engine, 'id' | 'rates' | 'gpuMemoryMiB' | 'attachment'>[]): Record<string, number | null> {
  return Object.fromEntries(engines.flatMap(({ id, rates, gpuMemoryMiB, attachment }) => [
    [`engine/${id}/generatedTokensPerSecond`, rates.generatedTokensPerSecond],
    [`engine/${id}/gpuMemoryMiB`, gpuMemoryMiB],
    [`engine/${id}/attached`, attachment.state === 'attached' ? 1 : attachment.state === 'notAttached' ? 0 : null],
  ]))
}

/** Those of engines that leave all lists: one that is taken over leaves one list for another. From now on, until the returned function is called. */
export function dropWithEngines(lists: readonly { readonly value: readonly Pick<Engine, 'id'>[]; subscribe(read: () => void): () => void }[], history: Pick<History, 'drop'>): () => void {
  const listed = () => new Set(lists.flatMap((list) => list.value.map(({ id }) => id)))
  let before = listed()
  const look = () => {
    const now = listed()
    for (const id of before) if (!now.has(id)) history.drop(`engine/${id}/`)
    before = now
  }
  const stops = lists.map((list) => list.subscribe(look))
  return () => stops.forEach((stop) => stop())
}
