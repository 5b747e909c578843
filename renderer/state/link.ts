// How the page stands with its core: the link's state and the core's greeting. feed.ts writes it.
import { create } from 'zustand'
import type { Greeting } from '../../shared/contract.ts'
import type { LinkState } from '../link/connect.ts'

interface LinkStore {
  state: LinkState
  /** null until the core has answered once. Kept while the link is down: it names what was lost. */
  greeting: Greeting | null
}
export const useLink = create<LinkStore>(() => ({ state: { name: 'connecting' }, greeting: null }))

/** Whether what the page shows is the past: a core was heard once, and no link to it is open now, whatever the cause. */
export const isStale = ({ state, greeting }: LinkStore): boolean => greeting !== null && state.name !== 'open'

export function useStale(): boolean {
  return useLink(isStale)
}
