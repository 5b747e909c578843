import { describe, expect, it } from 'vitest'
import { hintOnScreen } from './hints.ts'

describe('hintOnScreen', () => {
  it.each([
    ['Stop them first, or stop with forceAfterSeconds: they then get errors when that time is over.', 'Stop them first, or force them out: they then get errors when the time set for it is over.'],
    ['Give forceAfterSeconds.', 'Give a time to force after.'],
    ['Choose another port.', 'Choose another port.'],
  ])('%s', (hint, said) => expect(hintOnScreen(hint)).toBe(said))
})
