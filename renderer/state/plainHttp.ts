// The door for browsers and scripts. feed.ts writes it.
import { create } from 'zustand'
import type { PlainHttp } from '../../shared/contract.ts'

/** null: not heard yet. */
export const usePlainHttp = create<{ plainHttp: PlainHttp | null }>(() => ({ plainHttp: null }))
