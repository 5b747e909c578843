import { expect, it } from 'vitest'
import { verdictLook } from './gains.ts'

it.each([['higher', 'outputTokensPerSecond', 'good'], ['higher', 'ttftMsP95', 'bad'], ['lower', 'tpotMsP95', 'good'], ['lower', 'goodputPerSecond', 'bad'], ['noDifference', 'ttftMsP95', 'idle'], ['tooFewBlocks', 'ttftMsP95', 'idle']] as const)(
  '%s %s is %s', (verdict, measure, tone) => expect(verdictLook({ verdict, measure, pairs: 6 }).tone).toBe(tone))
