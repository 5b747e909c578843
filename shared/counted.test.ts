import { describe, expect, it } from 'vitest'
import { THREE_ARMS } from '../electron/core/experiments/report.testkit.ts'
import { besideText, blockCounts, countedText, holdsOnlyFor, holdsText } from './counted.ts'
import type { Block, Check } from './experiment.ts'

const look = (name: string, result: Check['result'] = 'failed'): Check => ({ name, result, weight: 'warns', sentence: name, evidence: [] })
const report = (checks: Check[], cells = 1) => ({ plan: { file: { arms: THREE_ARMS }, cells: Array.from({ length: cells }) }, checks })
const MPS = { armId: 'mps', baselineId: 'single', change: 0.2 }

describe('what a gain holds for', () => {
  it.each<[string, Check[], string | null]>([
    ['nobody looked', [], null],
    ['both at their plateau', [look('plateau/single', 'passed'), look('plateau/mps', 'passed')], null],
    ['whether it was could not be seen', [look('plateau/mps', 'notChecked')], null],
    ['another arm was below', [look('plateau/off')], null],
    ['the baseline was below', [look('plateau/single'), look('plateau/mps', 'passed')], 'at this load, below the plateau of One engine: more requests at a time would make more tokens/s'],
    ['both were', [look('plateau/mps'), look('plateau/single')], 'at this load, below the plateau of both: more requests at a time would make more tokens/s'],
    ['a later look counts', [look('plateau/mps'), look('plateau/mps', 'passed')], null],
    ['an open loop that was kept up with', [look('keepsUp/mps'), look('keepsUp/single')], "at this rate of requests, with which both kept up: tokens/s are the load's, not the most they can make"],
  ])('%s', (_, checks, words) => {
    const holds = holdsOnlyFor(report(checks), MPS)
    expect(holds && holdsText(holds)).toBe(words)
  })

  it('nothing without a number', () => expect(holdsOnlyFor(report([look('plateau/mps')]), { ...MPS, change: null })).toBeNull())

  it('of a sweep no look takes the place of another cell\'s', () => {
    expect(holdsOnlyFor(report([look('plateau/mps'), look('plateau/mps', 'passed')], 4), MPS)?.where).toContain('at loads of which some are below the plateau of Two engines under MPS')
  })
})

describe('counts of blocks', () => {
  const block = (purpose: Block['purpose'], validity: Block['validity'] = 'valid') => ({ purpose, validity })
  const blocks = [block('compared'), block('compared'), block('compared', 'invalid'), block('probe'), block('probe', 'failed'), block('control')]

  it('keep probes and control apart from what counts', () => {
    const counts = blockCounts(blocks)
    expect(countedText(counts.compared)).toBe('2 of 3 blocks count towards the gains')
    expect(besideText(counts)).toBe('2 probes of the plateau (1 without a good measurement), 1 control block')
  })

  it('say so when there is none', () => {
    expect(countedText(blockCounts([]).compared)).toBe('no block for the gains was run')
    expect(besideText(blockCounts([]))).toBeNull()
  })
})
