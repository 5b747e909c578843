import { expect, it } from 'vitest'
import type { Check } from '../../shared/experiment.ts'
import { rehearsedText } from './checks.ts'

const check = (result: Check['result'], weight: Check['weight'] = 'warns'): Check => ({ name: 'x', result, weight, sentence: '', evidence: [] })

it.each<[Check[], string]>([
  [[check('passed'), check('passed', 'refuses')], '2 of 2 passed'],
  [[check('passed'), check('failed'), check('failed', 'refuses'), check('notChecked', 'refuses')], '1 of 4 passed, 1 refuses, 1 warns, 1 not checked'],
  [[], '0 of 0 passed'],
])('%#', (checks, text) => expect(rehearsedText(checks)).toBe(text))
