import { describe, expect, it } from 'vitest'
import { clockTime, dayAndTime, duration, fixed, gibibytes, percent, rate, UNKNOWN, watts } from './units.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

describe('units', () => {
  it.each([
    [null, UNKNOWN], [-5, '0.0 s'], [0, '0.0 s'], [430, '0.4 s'], [9.94 * SECOND, '9.9 s'], [9.96 * SECOND, '10 s'], [10 * SECOND, '10 s'], [59.99 * SECOND, '59 s'],
    [MINUTE, '1 min'], [3 * MINUTE + 20 * SECOND, '3 min 20 s'], [10 * MINUTE, '10 min'], [10 * MINUTE + 999, '10 min'], [59 * MINUTE + 59 * SECOND, '59 min 59 s'],
    [HOUR, '1 h'], [2 * HOUR + 5 * MINUTE + 30 * SECOND, '2 h 5 min'], [24 * HOUR, '1 d'], [76 * HOUR + 10 * MINUTE, '3 d 4 h'],
  ])('duration of %s ms is %s', (milliseconds, text) => expect(duration(milliseconds)).toBe(text))

  it.each([[null, UNKNOWN], [0, '0'], [0.004, '0.00'], [7.416, '7.42'], [9.996, '10.00'], [74.21, '74.2'], [742.4, '742'], [7420, '7,420']])('rate of %s is %s', (value, text) => expect(rate(value)).toBe(text))
  it.each([[null, UNKNOWN], [0, '0.0 GiB'], [512, '0.5 GiB'], [81559, '79.6 GiB'], [204800, '200 GiB']])('%s MiB are %s', (value, text) => expect(gibibytes(value)).toBe(text))
  it.each([[null, 0, UNKNOWN], [Number.NaN, 0, UNKNOWN], [1234.56, 1, '1,234.6'], [2, 0, '2']])('fixed %s to %s digits is %s', (value, digits, text) => expect(fixed(value, digits)).toBe(text))
  it.each([[null, UNKNOWN, UNKNOWN], [63.4, '63 %', '63 W']])('%s as percent and watts', (value, asPercent, asWatts) => {
    expect(percent(value)).toBe(asPercent)
    expect(watts(value)).toBe(asWatts)
  })
  it('names the day of a time that is not of today', () => {
    const at = new Date(2026, 10, 28, 12, 3, 4).getTime()
    expect(dayAndTime(at, at + 60_000)).toBe('12:03:04')
    expect(dayAndTime(at, at + 24 * HOUR)).toBe('28 Nov 12:03:04')
  })
  it('reads an unknown time as a dash', () => expect(clockTime(null)).toBe(UNKNOWN))
})
