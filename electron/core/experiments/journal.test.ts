// The journal as a crash leaves it: what was made and not undone, in order; half a line is no harm.
import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Journal, readJournal, type Thing } from './journal.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'overlap-journal-'))
  path = join(folder, 'experiment.journal')
})
afterEach(() => rmSync(folder, { recursive: true }))

const head = { experimentId: 'x1', core: { pid: 4242, startTicks: 7 }, bootId: 'boot', atMs: 1, throwaway: null }
const engine = (id: string): Extract<Thing, { kind: 'engine' }> => ({ kind: 'engine', id, folder: `/tmp/${id}`, engine: null, keeper: null })

it('names what is outstanding, as it was last known', () => {
  const journal = Journal.begin(path, head)
  journal.watchedBy({ pid: 5, startTicks: 9 })
  const first = journal.making({ kind: 'setAside', id: 'e1', name: 'alpha', again: null })
  const second = journal.making(engine('t1'))
  const third = journal.making(engine('t2'))
  journal.amend(second, { ...engine('t1'), engine: { pid: 10, startTicks: 1 } })
  journal.undone(third)
  expect(readJournal(path)).toEqual({
    head, afterlife: { pid: 5, startTicks: 9 },
    outstanding: [{ number: first, thing: { kind: 'setAside', id: 'e1', name: 'alpha', again: null } }, { number: second, thing: { ...engine('t1'), engine: { pid: 10, startTicks: 1 } } }],
  })
})

it('passes over a line that a crash cut off, and goes on after it', () => {
  const journal = Journal.begin(path, head)
  const first = journal.making(engine('t1'))
  journal.leave()
  appendFileSync(path, '{"made":2,"thing":{"kind":"eng')
  expect(readJournal(path)?.outstanding.map(({ number }) => number)).toEqual([first])
  const again = Journal.reopen(path)
  again.undone(first)
  expect(readJournal(path)?.outstanding).toEqual([])
})

it('is gone when it is closed; no file, or one of somebody else, is none', () => {
  const journal = Journal.begin(path, head)
  journal.close()
  expect(existsSync(path)).toBe(false)
  expect(readJournal(path)).toBeNull()
  writeFileSync(path, 'hello\n')
  expect(readJournal(path)).toBeNull()
})
