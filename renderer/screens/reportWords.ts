// How a report is spoken of in lists and heads. Pure.
import type { Report } from '../../shared/experiment.ts'
import type { Look } from '../parts/StateBadge.tsx'

export const OUTCOME_LOOK: Record<Report['outcome'], Look> = {
  valid: { word: 'valid', tone: 'good', shape: 'full' }, partial: { word: 'partial', tone: 'busy', shape: 'half' }, invalid: { word: 'invalid', tone: 'bad', shape: 'triangle' },
}
export const SIMULATED: Look = { word: 'simulated', tone: 'busy', shape: 'diamond' }
export const IMPORTED: Look = { word: 'imported', tone: 'other', shape: 'diamond' }

const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

/** `3 Feb 2026, 09:00`, local. */
export const dateText = (atMs: number): string => DATE.format(atMs)
