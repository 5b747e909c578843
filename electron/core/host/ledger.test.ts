import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HandClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import { Ledger } from './ledger.ts'
import { MASK } from './secrets.ts'

const folder = mkdtempSync(join(tmpdir(), 'overlap-ledger-'))
const path = join(folder, 'ledger.jsonl')
const open = (clock = new HandClock(), at: string | null = path) => ({ clock, ledger: new Ledger({ clock, log: silentLog, path: at }) })
const command = { argv: ['tool', '--list'], why: 'read the list' }
beforeEach(() => void mkdirSync(folder, { recursive: true }))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('Ledger', () => {
  it('shows an entry when it begins and again, same id, when it ends', async () => {
    const { clock, ledger } = open()
    const sent: string[] = []
    ledger.feed.subscribe((entry) => sent.push(`${entry.id} ${entry.outcome} ${entry.durationMs}`))
    const ticket = ledger.begin(command, 'run')
    await clock.advance(70)
    ticket.end({ outcome: 'failed', exitCode: 9, output: 'no' })
    expect(sent).toEqual(['1 running null', '1 failed 70'])
    expect(ledger.feed.kept).toHaveLength(1)
    expect(ledger.feed.kept[0]).toMatchObject({ exitCode: 9, output: 'no', argv: ['tool', '--list'], cwd: null, stdin: null, pid: null })
  })

  it('measures with a clock that nobody sets', async () => {
    const clock = new (class extends HandClock {
      setBackMs = 0
      override now(): number {
        return super.now() - this.setBackMs
      }
    })()
    const ledger = new Ledger({ clock, log: silentLog, path: null })
    const ticket = ledger.begin(command, 'run')
    clock.setBackMs = 3_600_000
    await clock.advance(70)
    ticket.end({ outcome: 'ok' })
    expect(ledger.feed.kept[0]?.durationMs).toBe(70)
  })

  it('drops brief entries that end well, shows them when they fail or last', async () => {
    const { clock, ledger } = open()
    const ids = () => ledger.feed.kept.map((entry) => `${entry.id} ${entry.outcome}`)
    ledger.begin(command, 'run', true).end({ outcome: 'ok', exitCode: 0 })
    expect(ids()).toEqual([])
    ledger.begin(command, 'run', true).end({ outcome: 'failed', exitCode: 1 })
    expect(ids()).toEqual(['2 failed'])
    const slow = ledger.begin(command, 'run', true)
    slow.started(77)
    await clock.advance(1999)
    expect(ids()).toEqual(['2 failed'])
    await clock.advance(1)
    expect(ids()).toEqual(['2 failed', '3 running'])
    expect(ledger.feed.kept[1]?.pid).toBe(77)
    slow.end({ outcome: 'ok', exitCode: 0 })
    expect(ids()).toEqual(['2 failed', '3 ok'])
  })

  it('folds brief reads that end well into one row for each kind and daemon, and keeps few', async () => {
    const { clock, ledger } = open()
    const ask = (pipe: string, stdin: string, output: string) => ledger.begin({ argv: ['control'], env: { CUDA_MPS_PIPE_DIRECTORY: pipe }, stdin, why: 'ask the daemon' }, 'run', true).end({ outcome: 'ok', exitCode: 0, output })
    ask('/a', 'get_server_list', '41')
    ask('/b', 'get_server_list', '77')
    await clock.advance(30_000)
    ask('/a', 'get_client_list 41', 'API_KEY=hush-hush-hush')
    ledger.begin({ argv: ['control'], env: { CUDA_MPS_PIPE_DIRECTORY: '/a' }, why: 'ask the daemon' }, 'run', true).end({ outcome: 'failed' })
    expect(ledger.routine.value).toMatchObject([
      { id: 1, times: 2, stdin: 'get_client_list 41', output: `API_KEY=${MASK}`, env: { CUDA_MPS_PIPE_DIRECTORY: '/a' } },
      { id: 2, times: 1, output: '77', env: { CUDA_MPS_PIPE_DIRECTORY: '/b' } },
    ])
    const [a] = ledger.routine.value
    expect((a?.lastAtMs ?? 0) - (a?.firstAtMs ?? 0)).toBe(30_000)
    expect(ledger.feed.kept.map(({ outcome }) => outcome)).toEqual(['failed'])
    for (let at = 0; at < 100; at += 1) ask(`/pipe${at}`, 'x', '')
    expect(ledger.routine.value).toHaveLength(64)
    expect(ledger.routine.value.at(-1)?.env).toEqual({ CUDA_MPS_PIPE_DIRECTORY: '/pipe99' })
    expect(existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []).toHaveLength(1) // the failure
  })

  it('masks argv, environment, input and output, on disk too', () => {
    const { ledger } = open()
    const secret = 'geheimnis-123'
    ledger.begin({ argv: ['x', '--api-key', secret], env: { A_TOKEN: secret, PLAIN: 'v' }, stdin: `login ${secret}`, why: 'w' }, 'run')
      .end({ outcome: 'ok', output: `hello ${secret}` })
    expect(ledger.feed.kept[0]).toMatchObject({ argv: ['x', '--api-key', MASK], env: { A_TOKEN: MASK, PLAIN: 'v' }, stdin: `login ${MASK}`, output: `hello ${MASK}` })
    expect(readFileSync(path, 'utf8')).not.toContain(secret)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('keeps 4 KiB of output and no half character', () => {
    const { ledger } = open()
    ledger.begin(command, 'run').end({ outcome: 'ok', output: '°'.repeat(4000) + 'end' })
    ledger.begin(command, 'run').end({ outcome: 'ok', output: 'x' + '°'.repeat(4000) })
    const [even, odd] = ledger.feed.kept.map((entry) => entry.output ?? '')
    expect(even).toBe('°'.repeat(2048))
    expect(odd).toBe('x' + '°'.repeat(2047))
  })

  it('comes back after a restart: ended entries, ids that go on, half a line ignored', () => {
    const first = open().ledger
    for (let i = 0; i < 600; i++) first.begin({ ...command, why: `w${i}` }, 'run').end({ outcome: 'ok' })
    first.begin(command, 'run') // never ends
    const launched = first.begin(command, 'launch')
    launched.started(4242)
    appendFileSync(path, '{"id":9999,"argv":["ha')
    const second = open().ledger
    expect(second.feed.kept.length).toBeLessThanOrEqual(500)
    expect(second.feed.kept.at(-1)).toMatchObject({ id: 602, way: 'launch', pid: 4242, outcome: 'ok' })
    expect(second.feed.kept.at(-2)).toMatchObject({ id: 600, why: 'w599' })
    second.begin(command, 'run').end({ outcome: 'ok' })
    expect(second.feed.kept.at(-1)?.id).toBe(603)
    second.begin(command, 'run').end({ outcome: 'ok' })
    expect(open().ledger.feed.kept.slice(-3).map(({ id }) => id)).toEqual([602, 603, 604]) // the half line took none with it
  })

  it('starts with what is there, however broken, and leaves it', () => {
    writeFileSync(path, Buffer.from([0xff, 0x00, 0x0a, 0x7b, 0x0a]))
    const { ledger } = open()
    ledger.begin(command, 'run').end({ outcome: 'ok' })
    expect(open().ledger.feed.kept).toHaveLength(1)
    expect(readFileSync(path).subarray(0, 5)).toEqual(Buffer.from([0xff, 0x00, 0x0a, 0x7b, 0x0a]))
  })

  it('shows no half of a secret where the output was cut', () => {
    const { ledger } = open(new HandClock(), null)
    const secret = `geheimnis-${'1'.repeat(54)}`
    ledger.secrets.add(secret)
    // so much is masked that the cut of the raw output shows
    ledger.begin(command, 'run').end({ outcome: 'ok', output: `ab${`x ${secret} `.repeat(200)}` })
    expect(ledger.feed.kept[0]?.output?.length).toBeLessThan(1000)
    expect(ledger.feed.kept[0]?.output).not.toContain('geh')
  })

  it('rotates at 5 MiB and keeps one old file', () => {
    const { ledger } = open()
    for (let i = 0; i < 1500; i++) ledger.begin(command, 'run').end({ outcome: 'ok', output: 'x'.repeat(4096) })
    expect(statSync(path).size).toBeLessThan(5 * 1024 * 1024)
    expect(statSync(join(folder, 'ledger.1.jsonl')).size).toBeLessThanOrEqual(5 * 1024 * 1024)
    expect(open().ledger.feed.kept.at(-1)?.id).toBe(1500)
  })

  it('works on without a disk', () => {
    const { ledger } = open(new HandClock(), null)
    ledger.begin(command, 'run').end({ outcome: 'ok' })
    expect(ledger.feed.kept).toHaveLength(1)
    expect(existsSync(path)).toBe(false)
  })

  it('keeps the newest 2,000 in memory', () => {
    const { ledger } = open(new HandClock(), null)
    for (let i = 0; i < 2100; i++) ledger.begin(command, 'run').end({ outcome: 'ok' })
    expect(ledger.feed.kept).toHaveLength(2000)
    expect(ledger.feed.kept[0]?.id).toBe(101)
  })
})
