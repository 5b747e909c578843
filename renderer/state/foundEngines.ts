// Engines that Overlap did not start, as last heard. feed.ts writes it.
import { create } from 'zustand'
import type { FoundEngine } from '../../shared/foundEngine.ts'

/** null: not heard yet. */
export const useFoundEngines = create<{ found: FoundEngine[] | null }>(() => ({ found: null }))

export const foundNow = (): FoundEngine[] => useFoundEngines.getState().found ?? []

/** What does not move with every item, as one text: what can be done with them changes with it. */
export const settledFound = ({ found }: { found: FoundEngine[] | null }): string =>
  (found ?? []).map(({ id, name, gpuUuid, attachment, obstacle }) => [id, name, gpuUuid, attachment.state, obstacle?.sentence].join(' ')).join('\n')

/** Colours that no engine of Overlap has, in the order in which they were found. */
export function coloursOfFound(found: readonly Pick<FoundEngine, 'id'>[], engines: readonly { colour: number }[]): Map<string, number> {
  const taken = new Set(engines.map(({ colour }) => colour))
  const colours = new Map<string, number>()
  for (const { id } of found) {
    let colour = 0
    while (taken.has(colour)) colour += 1
    taken.add(colour)
    colours.set(id, colour)
  }
  return colours
}

/** Those that use this GPU, and those of which it is not known. */
export const foundOn = (found: FoundEngine[] | null, gpuUuid: string | null): FoundEngine[] =>
  (found ?? []).filter((engine) => gpuUuid === null || engine.gpuUuid === null || engine.gpuUuid === gpuUuid)
