import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Disposer } from '../kit/disposer.ts'
import { HandClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import type { FollowCommand, FollowState } from './host.ts'
import { LocalHost } from './localHost.ts'
import { Procfs } from './procfs.ts'

const procfs = new Procfs()
const alive = (pid: number) => (procfs.processStat(pid)?.state ?? 'Z') !== 'Z'
const soon = (check: () => void) => vi.waitFor(check, { timeout: 30_000, interval: 10 })
let disposer = new Disposer()
afterEach(async () => {
  await disposer.close()
  disposer = new Disposer()
})

function follow(script: string, more: Partial<FollowCommand> = {}) {
  const clock = new HandClock()
  const host = new LocalHost({ log: silentLog, clock })
  const lines: string[] = []
  const states: FollowState[] = []
  const followed = host.follow({
    argv: [process.execPath, '-e', script], why: 'test', silentAfterMs: 3000, firstLineMs: 20_000, restartBudget: 2,
    onLine: (line) => lines.push(line) > 0, onState: (state) => states.push(state), ...more,
  })
  disposer.add(() => {
    const closed = followed.close()
    void clock.advance(10_000)
    return closed
  })
  return { clock, host, lines, states, followed, names: () => states.map((state) => state.name) }
}

describe('LocalHost.follow', () => {
  it('gives whole lines as they come, whatever the pieces', async () => {
    const { lines, names } = follow('const w = (t) => process.stdout.write(t); w("# gpu"); setTimeout(() => w("  sm\\r\\n    1   "), 20); setTimeout(() => w(" 93\\n half"), 40); setInterval(() => {}, 1e6)')
    await soon(() => expect(lines).toEqual(['# gpu  sm', '    1    93']))
    expect(names()).toEqual(['starting', 'live'])
  })

  it('restarts with growing pauses until the budget is spent, and again when asked', async () => {
    const { clock, host, states, names, followed } = follow('console.log("Unable to determine"); process.stdout.write("half"); console.error("why"); process.exitCode = 9')
    await soon(() => expect(names()).toEqual(['starting', 'live', 'ended']))
    expect(states[2]).toMatchObject({ exitCode: 9, signal: null, again: true })
    expect(states[2]).toHaveProperty('lastLines', expect.arrayContaining(['Unable to determine', 'half', 'why']))
    await clock.advance(249)
    expect(names()).toHaveLength(3)
    await clock.advance(1)
    await soon(() => expect(names()).toHaveLength(6))
    await clock.advance(499)
    expect(names()).toHaveLength(6)
    await clock.advance(1)
    await soon(() => expect(names().slice(6)).toEqual(['starting', 'live', 'ended', 'gaveUp']))
    expect(states[8]).toMatchObject({ again: false })
    expect(followed.pid).toBe(null)
    followed.retry()
    await soon(() => expect(names().slice(10)).toEqual(['starting', 'live', 'ended']))
    expect(states.at(-1)).toMatchObject({ again: true })
    // four starts that came to the same nothing are told once
    expect(host.ledger.kept.map(({ outcome, exitCode }) => [outcome, exitCode])).toEqual([['ended', 9]])
  })

  it('tells the Ledger of a start that lasts, also after one that did not', async () => {
    const path = join(tmpdir(), `overlap-follow-${process.pid}`)
    disposer.add(() => rmSync(path, { force: true }))
    const { clock, host, names, lines } = follow(`if (require("fs").existsSync(${JSON.stringify(path)})) { console.log("row"); setInterval(() => {}, 1e6) }`)
    await soon(() => expect(names()).toEqual(['starting', 'ended']))
    writeFileSync(path, '')
    await clock.advance(250)
    await soon(() => expect(lines).toEqual(['row']))
    await clock.advance(2000)
    expect(host.ledger.kept.map(({ outcome }) => outcome)).toEqual(['ended', 'running'])
  })

  it('asked to try again, starts no second child beside one that does not end', async () => {
    const { clock, lines, names, followed } = follow('process.on("SIGTERM", () => {}); console.log("row"); setInterval(() => {}, 1e6)')
    await soon(() => expect(lines).toEqual(['row']))
    const pid = followed.pid ?? 0
    followed.retry()
    followed.retry()
    await clock.advance(1999)
    expect([names(), followed.pid, alive(pid)]).toEqual([['starting', 'live'], pid, true])
    await clock.advance(1)
    await soon(() => expect(names()).toEqual(['starting', 'live', 'starting', 'live']))
    expect(alive(pid)).toBe(false)
    expect(followed.pid).not.toBe(pid)
  })

  it('forgets restarts after ten minutes', async () => {
    const { clock, states, lines, followed } = follow('console.log("row"); setInterval(() => {}, 1e6)', { restartBudget: 1, silentAfterMs: 1e9, firstLineMs: 1e9 })
    const ends = () => states.filter((state) => state.name === 'ended')
    const die = async (time: number) => {
      await soon(() => expect(lines).toHaveLength(time))
      process.kill(followed.pid!, 'SIGKILL')
      await soon(() => expect(ends()).toHaveLength(time))
      return ends().at(-1)
    }
    expect(await die(1)).toMatchObject({ again: true, signal: 'SIGKILL' })
    await clock.advance(600_000)
    expect(await die(2)).toMatchObject({ again: true })
    await clock.advance(599_000)
    expect(await die(3)).toMatchObject({ again: false })
    expect(states.at(-1)?.name).toBe('gaveUp')
  })

  it('does not restart what is not worth it', async () => {
    const { clock, states, names } = follow('console.log("Option --gpm-metrics is not recognized"); process.exitCode = 2', {
      worthRestarting: ({ lastLines }) => !lastLines.some((line) => line.includes('not recognized')),
    })
    await soon(() => expect(names().at(-1)).toBe('ended'))
    expect(states.at(-1)).toMatchObject({ again: false })
    await clock.advance(60_000)
    expect(names()).toEqual(['starting', 'live', 'ended'])
  })

  it('ends a child that has gone silent, even one that ignores SIGTERM, and starts another', async () => {
    const { clock, lines, names, followed } = follow('process.on("SIGTERM", () => {}); console.log("row"); process.stdout.write("    1      - "); setInterval(() => {}, 1e6)')
    await soon(() => expect(lines).toEqual(['row']))
    const pid = followed.pid ?? 0
    await clock.advance(2999)
    expect(names().at(-1)).toBe('live')
    await clock.advance(1)
    expect(names().at(-1)).toBe('silent')
    expect(alive(pid)).toBe(true)
    await clock.advance(2000)
    await soon(() => expect(names().at(-1)).toBe('ended'))
    expect(alive(pid)).toBe(false)
    await clock.advance(250)
    await soon(() => expect(lines).toEqual(['row', 'row']))
    expect(followed.pid).not.toBe(pid)
  })

  it('waits longer for the first line', async () => {
    const { clock, names } = follow('setInterval(() => {}, 1e6)')
    await clock.advance(19_999)
    expect(names()).toEqual(['starting'])
    await clock.advance(1)
    expect(names().slice(0, 2)).toEqual(['starting', 'silent']) // it is being ended, and may be gone already
  })

  it('says that the tool is missing', async () => {
    const { names, host } = follow('', { argv: ['no-such-smi'] })
    await soon(() => expect(names()).toEqual(['starting', 'missing']))
    expect(host.ledger.kept.at(-1)?.outcome).toBe('missing')
  })

  it('ends the child with its children, and is quiet afterwards', async () => {
    const { followed, lines, names, host } = follow('const c = require("child_process").spawn("sleep", ["600"]); console.log(c.pid); setInterval(() => console.log("more"), 5)')
    await soon(() => expect(lines.length).toBeGreaterThan(2))
    const pids = [followed.pid ?? 0, Number(lines[0])]
    await followed.close()
    const count = lines.length
    expect(names()).toEqual(['starting', 'live'])
    await soon(() => expect(pids.filter(alive)).toEqual([]))
    await soon(() => expect(host.ledger.kept.at(-1)).toMatchObject({ way: 'follow', outcome: 'ended' }))
    expect(lines.length).toBe(count)
  })

  it('counts only lines to wait for as life: rubbish is no better than silence', async () => {
    const { clock, names } = follow('let n = 0; setInterval(() => console.log(n++), 5)', { onLine: () => false, firstLineMs: 5000 })
    await soon(() => expect(names()).toEqual(['starting', 'live']))
    await clock.advance(4999)
    expect(names()).toEqual(['starting', 'live'])
    await clock.advance(1)
    expect(names().slice(0, 3)).toEqual(['starting', 'live', 'silent'])
  })

  it('reads no more than 256 KiB of a child per second', async () => {
    let bytes = 0
    const { clock, names } = follow('const piece = ("row".padEnd(1023) + "\\n").repeat(64); const go = () => { while (process.stdout.write(piece)); process.stdout.once("drain", go) }; go()', {
      onLine: (line) => (bytes += line.length + 1) > 0,
    })
    await soon(() => expect(bytes).toBeGreaterThanOrEqual(256 * 1024 - 1024))
    for (let second = 1; second <= 3; second += 1) {
      const before = bytes
      expect(before).toBeLessThan(second * (256 + 64) * 1024)
      await clock.advance(1000)
      await soon(() => expect(bytes).toBeGreaterThanOrEqual(before + 256 * 1024 - 2048))
    }
    expect(names()).toEqual(['starting', 'live'])
  })

  it('holds no more than a line in a flood without line ends', async () => {
    const before = process.memoryUsage().rss
    const { lines, clock } = follow('const piece = "x".repeat(65536); let n = 0; const go = () => { while (n++ < 1000) if (!process.stdout.write(piece)) return process.stdout.once("drain", go); process.stdout.write("\\nend\\n") }; go()', { silentAfterMs: 1e9, firstLineMs: 1e9 })
    await vi.waitFor(async () => {
      await clock.advance(1000)
      expect(lines.at(-1)).toBe('end')
    }, { timeout: 60_000, interval: 1 })
    expect(lines.map((line) => line.length)).toEqual([65536, 3])
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024)
  })
})
