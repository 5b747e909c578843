// How long an arm is warmed up, and what is said of it.
import { expect, it } from 'vitest'
import { nextWarmSeconds, warmCheck, warmWindow, type WarmWindow } from './warming.ts'

const silent = (seconds: number): WarmWindow => ({ seconds, tokensPerSecond: 0, silent: true })
const at = (tokensPerSecond: number | null, seconds = 1): WarmWindow => ({ seconds, tokensPerSecond, silent: false })

it.each<[string, WarmWindow[], number | null]>([
  ['begins', [], 1],
  ['one window tells nothing of the next', [at(3000)], 1],
  ['steady', [at(3000), at(3100)], null],
  ['slower is steady too: it is no warming up', [at(3000), at(2000)], null],
  ['still rising', [at(1000), at(2000)], 1],
  ['rising, then steady', [at(1000), at(2000), at(2100)], null],
  ['silent: longer and longer', [silent(1)], 2],
  ['silent: longer and longer', [silent(1), silent(2), silent(4)], 8],
  ['but not for ever longer', [silent(1), silent(2), silent(4), silent(8), silent(16)], 16],
  ['the first that speaks is compared with no silence', [silent(1), silent(2), at(3000)], 1],
  ['silent, then steady', [silent(1), silent(2), at(3000), at(3000)], null],
  ['one engine of two is silent', [at(1500), { ...at(1500), silent: true }], 2],
  ['gives up', [...Array.from({ length: 8 }, () => silent(16))], null],
  ['cannot be measured', [at(null)], null],
])('%s', (_, windows, seconds) => {
  expect(nextWarmSeconds(windows)).toBe(seconds)
})

it('says what was seen', () => {
  const arm = { id: 'single', name: 'One engine' } as Parameters<typeof warmCheck>[0]
  expect(warmCheck(arm, [at(3000), at(3100)])).toEqual({ name: 'warm/single', weight: 'warns', result: 'passed', sentence: 'One engine makes tokens at a steady rate.', evidence: ['3000 tokens/s in 1 s', '3100 tokens/s in 1 s'] })
  expect(warmCheck(arm, [silent(1), silent(2), at(3000), at(3000)]).sentence).toBe('One engine makes tokens at a steady rate, after 3 s of load in which it did not.')
  expect(warmCheck(arm, [silent(1)])).toMatchObject({ result: 'failed' })
  expect(warmCheck(arm, [at(null)])).toMatchObject({ result: 'notChecked' })
  expect(warmCheck(arm, [at(500), { ...at(500), silent: true }])).toMatchObject({ result: 'failed', evidence: ['500 tokens/s in 1 s', '500 tokens/s in 1 s, one engine without a token'] })
})

it('an engine without a token is seen beside one that has some', () => {
  type Of = Parameters<typeof warmWindow>[0]
  const engine = (outputTokens: number) => ({ engineName: 'a', result: { outputTokens } }) as Of['engines'][number]
  const total = { outputTokens: 100, outputTokensPerSecond: 100 } as Of['total']
  expect(warmWindow({ total, engines: [engine(100), engine(0)] }, 1)).toEqual({ seconds: 1, tokensPerSecond: 100, silent: true })
  expect(warmWindow({ total, engines: [engine(50), engine(50)] }, 1)).toEqual({ seconds: 1, tokensPerSecond: 100, silent: false })
  expect(warmWindow({ total: null, engines: [] }, 1)).toEqual({ seconds: 1, tokensPerSecond: null, silent: true })
})
