import { describe, expect, it } from 'vitest'
import type { LedgerEntry } from '../../shared/command.ts'
import { mergeEntries } from '../state/commands.ts'
import { filterCommands } from './commandFilter.ts'

const entry = (id: number, more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  id, argv: ['nvidia-smi', '-L'], env: {}, cwd: null, stdin: null, why: 'find GPUs', way: 'run', startedAtMs: 0, durationMs: 1, pid: 1, outcome: 'ok', exitCode: 0, signal: null, output: '', ...more,
})
const entries = [entry(1), entry(2, { outcome: 'failed', output: 'No devices were found' }), entry(3, { way: 'follow', env: { LC_ALL: 'C' } })]
const ids = (kept: LedgerEntry[]) => kept.map((one) => one.id)

describe('filterCommands', () => {
  it('gives all, newest first', () => expect(ids(filterCommands(entries, { text: ' ', outcome: null, way: null }))).toEqual([3, 2, 1]))
  it('asks for every word, anywhere', () => expect(ids(filterCommands(entries, { text: 'SMI devices', outcome: null, way: null }))).toEqual([2]))
  it('looks into the environment', () => expect(ids(filterCommands(entries, { text: 'lc_all', outcome: null, way: null }))).toEqual([3]))
  it('keeps an outcome and a way', () => {
    expect(ids(filterCommands(entries, { text: '', outcome: 'failed', way: null }))).toEqual([2])
    expect(ids(filterCommands(entries, { text: '', outcome: 'ok', way: 'run' }))).toEqual([1])
  })
})

describe('mergeEntries', () => {
  it('lets the end of a command replace its beginning, and caps', () => {
    const merged = mergeEntries([entry(1, { outcome: 'running' }), entry(2)], [entry(1), entry(3)], 2)
    expect(ids(merged)).toEqual([2, 3])
    expect(mergeEntries([entry(1, { outcome: 'running' })], [entry(1)])[0]?.outcome).toBe('ok')
  })
})
