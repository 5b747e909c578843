// What watching costs, as the core measures it. feed.ts writes it.
import { create } from 'zustand'
import type { OwnCost } from '../../shared/contract.ts'

export const useCost = create<{ cost: OwnCost | null }>(() => ({ cost: null }))
