import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { HandClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import { LocalHost } from './localHost.ts'
import { Procfs } from './procfs.ts'

const folder = mkdtempSync(join(tmpdir(), 'overlap-run-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const procfs = new Procfs()
const host = new LocalHost({ log: silentLog, environment: { PATH: process.env['PATH'], FROM_LOGIN: 'yes', npm_config_x: '1', OVERLAP_TOKEN: 'geheim-geheim' } })
const node = (script: string, ...more: string[]) => [process.execPath, '-e', script, ...more]
const alive = (pid: number) => {
  const state = procfs.processStat(pid)?.state
  return state !== undefined && state !== 'Z'
}

describe('LocalHost.run', () => {
  it('gives stdout, stderr and the exit code, whatever it is', async () => {
    const output = await host.run({ argv: node('console.log("out °C"); console.error("err"); process.exit(9)'), why: 'test' })
    expect(output).toMatchObject({ exitCode: 9, signal: null, stdout: 'out °C\n', stderr: 'err\n', truncated: false })
    expect(host.ledger.kept.at(-1)).toMatchObject({ outcome: 'failed', exitCode: 9, output: 'out °C\n\nerr\n', way: 'run' })
  })

  it('hands arguments over as they are and input by a pipe that is closed', async () => {
    expect((await host.run({ argv: ['printf', '%s', '$(id); "x" *'], why: 'test' })).stdout).toBe('$(id); "x" *')
    expect((await host.run({ argv: ['cat'], stdin: 'get_server_list\n', why: 'test' })).stdout).toBe('get_server_list\n')
    expect((await host.run({ argv: ['cat'], why: 'test' })).stdout).toBe('')
  })

  it('survives a child that does not read its input', async () => {
    const output = await host.run({ argv: ['true'], stdin: 'x'.repeat(4 * 1024 * 1024), why: 'test' })
    expect(output.exitCode).toBe(0)
  })

  it('starts from the clean environment, and adds to it or sets over it', async () => {
    const { stdout } = await host.run({ argv: ['env'], env: { ADDED: '1', FROM_LOGIN: 'no' }, why: 'test' })
    expect(stdout.trim().split('\n').filter((line) => !line.startsWith('PATH=')).sort()).toEqual(['ADDED=1', 'FROM_LOGIN=no'])
  })

  it('says which tool is missing, or cannot be executed, and which folder', async () => {
    const script = join(folder, 'notExecutable')
    writeFileSync(script, '#!/bin/sh\n')
    await expect(host.run({ argv: ['no-such-smi'], why: 'test' })).rejects.toMatchObject({ fault: { code: 'TOOL_MISSING', sentence: expect.stringContaining('no-such-smi') } })
    expect(host.ledger.kept.at(-1)?.outcome).toBe('missing')
    await expect(host.run({ argv: [script], why: 'test' })).rejects.toMatchObject({ fault: { code: 'TOOL_MISSING' } })
    await expect(host.run({ argv: ['true'], cwd: join(folder, 'nowhere'), why: 'test' })).rejects.toMatchObject({ fault: { code: 'BAD_INPUT', field: 'cwd' } })
  })

  it('caps the output and reads on, so that a flood neither fills memory nor blocks', async () => {
    const before = process.memoryUsage().rss
    const output = await host.run({ argv: ['head', '-c', '300000000', '/dev/zero'], maxOutputBytes: 1000, timeoutMs: 60_000, why: 'test' })
    expect(output).toMatchObject({ exitCode: 0, truncated: true })
    expect(output.stdout.length).toBe(1000)
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024)
  })

  it('cuts at a character, not inside one', async () => {
    const { stdout } = await host.run({ argv: ['printf', '%s', 'x°°°'], maxOutputBytes: 4, why: 'test' })
    expect(stdout).toBe('x°')
  })

  it('ends a child that ignores SIGTERM, with its own children, and says so', async () => {
    const argv = node('process.on("SIGTERM", () => {}); console.log(process.pid); require("child_process").spawn("sleep", ["600"]); setInterval(() => {}, 1e6)')
    const clock = new HandClock()
    const local = new LocalHost({ log: silentLog, clock })
    const running = local.run({ argv, timeoutMs: 5000, why: 'test' })
    running.catch(() => {})
    const pid = local.ledger.kept[0]?.pid ?? 0
    await vi.waitFor(() => expect(procfs.processTree(pid)).toHaveLength(2), { timeout: 20_000, interval: 20 })
    const tree = procfs.processTree(pid)
    await clock.advance(5000)
    expect(alive(pid)).toBe(true) // asked, and it does not listen
    await clock.advance(2000)
    await expect(running).rejects.toMatchObject({ fault: { code: 'COMMAND_TIMED_OUT', sentence: expect.stringContaining('5 s'), detail: expect.stringContaining(String(pid)) } })
    await vi.waitFor(() => expect(tree.filter(alive)).toEqual([]), { timeout: 20_000, interval: 20 })
    expect(local.ledger.kept[0]).toMatchObject({ outcome: 'timedOut', signal: 'SIGKILL' })
  })

  it('does not wait for a daemon that keeps the pipes open', async () => {
    const output = await host.run({ argv: node('const c = require("child_process").spawn("sleep", ["600"], { detached: true, stdio: "inherit" }); c.unref(); console.log(c.pid)'), why: 'test' })
    expect(output.exitCode).toBe(0)
    const daemon = Number(output.stdout)
    expect(alive(daemon)).toBe(true)
    process.kill(daemon, 'SIGKILL')
  })

  it('previews what it would run, masked, and what it ran shows no secret of Overlap', async () => {
    expect(host.preview({ argv: ['x', '--token', 'abc'], env: { A: '1' }, why: 'w' }))
      .toEqual({ argv: ['x', '--token', '••••'], env: { A: '1' }, cwd: null, stdin: null, why: 'w' })
    await host.run({ argv: ['echo', 'geheim-geheim'], why: 'test' })
    expect(host.ledger.kept.at(-1)).toMatchObject({ argv: ['echo', '••••'], output: '••••\n' })
  })
})
