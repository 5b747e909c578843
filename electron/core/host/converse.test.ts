import { afterEach, describe, expect, it, vi } from 'vitest'
import { HandClock } from '../kit/clock.ts'
import { Disposer } from '../kit/disposer.ts'
import { silentLog } from '../kit/log.ts'
import type { ConverseCommand } from './host.ts'
import { LocalHost } from './localHost.ts'
import { Procfs } from './procfs.ts'

const procfs = new Procfs()
const alive = (pid: number) => (procfs.processStat(pid)?.state ?? 'Z') !== 'Z'
const soon = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 10 })
const ECHO = 'require("readline").createInterface({ input: process.stdin }).on("line", (line) => console.log("heard " + line)).on("close", () => { console.error("bye"); process.exitCode = 3 })'
const DEAF = 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1e6)'
let disposer = new Disposer()
afterEach(async () => {
  await disposer.close()
  disposer = new Disposer()
})

function converse(script: string, more: Partial<ConverseCommand> = {}) {
  const clock = new HandClock()
  const host = new LocalHost({ log: silentLog, clock })
  const lines: string[] = []
  const ends: { exitCode: number | null; signal: string | null; lastLines: readonly string[] }[] = []
  const talk = host.converse({ argv: [process.execPath, '-e', script], why: 'test', cpus: null, onLine: (line) => lines.push(line), onEnd: (end) => ends.push(end), ...more })
  disposer.add(() => {
    if (alive(talk.pid)) process.kill(talk.pid, 'SIGKILL')
  })
  return { clock, host, talk, lines, ends }
}

describe('LocalHost.converse', () => {
  it('speaks and hears lines, and ends with the end of the input', async () => {
    const { talk, lines, ends, host } = converse(ECHO)
    expect([talk.send('one'), talk.send('zwei µ')]).toEqual([true, true])
    await soon(() => expect(lines).toEqual(['heard one', 'heard zwei µ']))
    await talk.close()
    expect(ends).toEqual([{ exitCode: 3, signal: null, lastLines: ['bye'] }])
    expect(talk.send('three')).toBe(false)
    expect(host.ledger.kept).toMatchObject([{ way: 'follow', outcome: 'ended', exitCode: 3, pid: talk.pid, why: 'test' }])
    await talk.close()
    expect(ends).toHaveLength(1)
  })

  it('tells the end of a child that dies by itself, with what it complained of', async () => {
    const { talk, ends } = converse('process.stderr.write("no such\\nmodel"); process.exitCode = 7')
    await soon(() => expect(ends).toEqual([{ exitCode: 7, signal: null, lastLines: ['no such', 'model'] }]))
    expect(talk.send('x')).toBe(false)
  })

  it('kills one that neither reads nor obeys, in steps', async () => {
    const { clock, talk, lines, ends } = converse(DEAF)
    await soon(() => expect(lines).toEqual(['up']))
    const closed = talk.close()
    await clock.advance(500) // its input is closed: nothing
    expect(alive(talk.pid)).toBe(true)
    await clock.advance(1999) // SIGTERM: nothing
    expect([alive(talk.pid), ends]).toEqual([true, []])
    await clock.advance(1)
    await closed
    expect(ends).toMatchObject([{ exitCode: null, signal: 'SIGKILL' }])
  })

  it('says when a child does not read', async () => {
    const { talk, lines } = converse(DEAF)
    await soon(() => expect(lines).toEqual(['up']))
    const line = 'x'.repeat(200_000)
    const sent = Array.from({ length: 12 }, () => talk.send(line))
    expect(sent[0]).toBe(true)
    expect(sent.at(-1)).toBe(false)
    expect(sent.filter(Boolean).length).toBeLessThanOrEqual(7)
  })

  it('takes in long lines whole, and goes on when a reader throws', async () => {
    const lengths: number[] = []
    converse('console.log("x".repeat(900000)); console.log("yy")', {
      onLine: (line) => {
        lengths.push(line.length)
        throw new Error('a reader with a bug')
      },
    })
    await soon(() => expect(lengths).toEqual([900_000, 2]))
  })

  it('is over for its closer also when the reader of its end throws', async () => {
    const { talk, host } = converse(ECHO, {
      onEnd: () => {
        throw new Error('a reader with a bug')
      },
    })
    await talk.close()
    await host.close()
    expect(alive(talk.pid)).toBe(false)
  })

  it('runs on the CPUs it was given', async () => {
    const { lines, host } = converse('console.log(require("fs").readFileSync("/proc/self/status", "utf8").match(/Cpus_allowed_list:\\s*(.*)/)[1])', { cpus: '0' })
    await soon(() => expect(lines).toEqual(['0']))
    expect(host.ledger.kept[0]?.argv.slice(0, 3)).toEqual(['taskset', '-c', '0'])
  })

  it('says that a program is missing, also behind taskset', () => {
    for (const cpus of [null, '0']) expect(() => converse('', { argv: ['/nowhere/generator'], cpus })).toThrow(/not installed/)
  })

  it('ends with the host', async () => {
    const { host, talk, ends, lines } = converse(ECHO)
    talk.send('up')
    await soon(() => expect(lines).toEqual(['heard up']))
    await host.close()
    expect([alive(talk.pid), ends.length]).toEqual([false, 1])
  })
})
