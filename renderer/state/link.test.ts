import { describe, expect, it } from 'vitest'
import type { Greeting } from '../../shared/contract.ts'
import type { LinkState } from '../link/connect.ts'
import { isStale } from './link.ts'

const greeting = { hostName: 'gpu-box' } as Greeting
const lost: LinkState = { name: 'lost', sinceMs: 1 }
const refused: LinkState = { name: 'refused', sentence: 'The token is not right any more.', hint: '' }

describe('isStale', () => {
  it.each<[string, LinkState, Greeting | null, boolean]>([
    ['open', { name: 'open' }, greeting, false], ['lost', lost, greeting, true], ['refused by a core started anew', refused, greeting, true],
    ['on the way back', { name: 'connecting' }, greeting, true], ['never heard', { name: 'connecting' }, null, false], ['refused at once: nothing is shown that could be old', refused, null, false],
  ])('%s', (_name, state, heard, stale) => expect(isStale({ state, greeting: heard })).toBe(stale))
})
