// The command line as a program: what it prints of a running core, what it makes it do, and what it does where none runs.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { MpsDaemon } from '../shared/mps.ts'
import { endLeftovers, openCore, root, type Core } from '../e2e/core.ts'
import { isAlive, startProgram, type Program } from '../e2e/program.ts'

let state = ''
const programs: Program[] = []
let running: Core | null = null
beforeEach(() => void (state = mkdtempSync(join(tmpdir(), 'ov-cli-'))))
afterEach(async () => {
  for (const { pid, signal } of programs.splice(0)) if (isAlive(pid)) signal('SIGKILL')
  await running?.close()
  running = null
  await endLeftovers(state)
  rmSync(state, { recursive: true, force: true })
})

function cli(...words: string[]): Program {
  const program = startProgram([process.execPath, join(root, 'electron/cli.ts'), ...words, ...(words.includes('--state') ? [] : ['--state', state])], { cwd: root })
  programs.push(program)
  return program
}
async function said(...words: string[]): Promise<string> {
  const program = cli(...words)
  expect(await program.ended, program.stderr()).toEqual({ code: 0, signal: null })
  return program.stdout()
}

describe('with a core that runs', () => {
  beforeEach(async () => void (running = await openCore({ state, scene: 'mps-off' })))

  it('shows it, calls it, watches it', async () => {
    expect(await said('status')).toMatch(new RegExp(`^\\S+ \\(simulated: mps-off\\), Overlap \\S+, process ${running!.pid}, http://127\\.0\\.0\\.1:\\d+/\n`))
    expect(JSON.parse(await said('call', 'workstation.greeting'))).toMatchObject({ scene: 'mps-off' })
    const daemons = cli('watch', 'mps.daemons')
    const [line] = await daemons.until(/^\[\{.*$/m)
    const [{ gpuUuid }] = JSON.parse(line) as [MpsDaemon]
    daemons.signal('SIGTERM')
    expect(JSON.parse(await said('call', 'mps.preview', JSON.stringify({ gpuUuid, action: 'start' })))).toEqual(expect.arrayContaining([expect.objectContaining({ cwd: null })]))
    // a call of a stream: what there is now
    expect(JSON.parse(await said('call', 'mps.daemons'))).toMatchObject([{ gpuUuid }])
    // a stream that takes an input
    const [engine] = (await running!.first<{ id: string }[]>('engine.list'))
    const log = cli('watch', 'engine.log', JSON.stringify({ id: engine!.id, lines: 3 }))
    await log.until(/^\{"kind":"snapshot"/m)
    log.signal('SIGTERM')
  })

  it('lists the calls, gives the present of a stream that takes an input', async () => {
    expect(await said('help')).toMatch(/^npm run cli -- /)
    expect(await said('calls', 'FOREIGN')).toMatch(/^mps\.useForeign +Uses a daemon that Overlap did not start/)
    const [engine] = await running!.first<{ id: string }[]>('engine.list')
    expect(JSON.parse(await said('call', 'engine.log', JSON.stringify({ id: engine!.id, lines: 3 })))).toMatchObject({ kind: 'snapshot' })
  })

  it('hands on what is refused, in words, with exit code 1', async () => {
    for (const [words, expected] of [
      [['call', 'mps.start', '{"gpuUuid":"GPU-none"}'], /^There is no GPU GPU-none\.\n/],
      [['call', 'no.such', '{}'], /^There is no call no\.such\.\n`calls` lists all there are\.\n/],
      [['call', 'gpu.identity'], /^There is no call gpu\.identity\.\nDid you mean gpu\.identities\?\n/],
      [['call', 'mps.strt'], /^There is no call mps\.strt\.\nDid you mean mps\.start, mps\.stop\?\n/],
      [['watch', 'engine.add'], /^engine\.add is no stream: it answers once\.\nWrite `call engine\.add`\.\n/],
      [['call', 'mps.start'], /^gpuUuid is missing\.\n/],
      [['call', 'mps.start', '{', '}'], /^\} is one word too many for call\.\n/],
      [['stats'], /^There is no command stats\.\nnpm run cli -- /],
      [['status', '--state', ''], /^--state needs a folder\.\n/],
      [['--colour'], /^--colour is not understood\.\nnpm run cli -- /],
      [['call', 'mps.start', '{broken'], /^\{broken is not a JSON object\.\n/],
      [['watch', 'engine.log', '{"id":"none"}'], /^There is no engine none\.\n/],
      [['status', '--colour'], /^--colour is not understood\.\nnpm run cli -- /],
    ] as const) {
      const program = cli(...words)
      expect((await program.ended).code).toBe(1)
      expect(program.stderr()).toMatch(expected)
    }
  })
})

describe('where none runs', () => {
  it('runs one of its own for as long as the command takes, and leaves nothing of a scene behind', async () => {
    const program = cli('status', '--scene', 'two-engines')
    expect((await program.ended).code).toBe(0)
    expect(program.stderr()).toMatch(/^No Overlap can be reached on .*: this command runs one of its own, which ends with it\./)
    expect(program.stdout()).toMatch(/^\S+ \(simulated: two-engines\), .*\nGPU 0 {2}MPS running: .*\nalpha {2}ready on port \d+ .* on MPS\nbeta {2}ready on port \d+ .* on MPS\n$/)
    expect(await endLeftovers(state)).toEqual([])
  })

  it('leaves engines alone that an earlier Overlap left running', async () => {
    const earlier = await openCore({ state, scene: 'mps-off' })
    const engines = await vi.waitFor(async () => {
      const list = await earlier.first<{ state: string; pid: number }[]>('engine.list')
      expect(list.map((engine) => engine.state)).toEqual(['ready', 'ready'])
      return list
    }, { timeout: 40_000, interval: 200 })
    earlier.signal('SIGTERM')
    await earlier.exited
    expect(await said('status', '--scene', 'mps-off')).toContain('alpha  ready')
    expect(engines.map(({ pid }) => isAlive(pid))).toEqual([true, true])
  }, 90_000)

  it('ends on Ctrl-C', async () => {
    const watching = cli('watch', 'gpu.frames', '--scene', 'mps-off')
    await watching.until(/"rows":\[\{/)
    watching.signal('SIGINT')
    expect(await watching.ended).toEqual({ code: 0, signal: null })
    expect(await endLeftovers(state)).toEqual([])
  })
})
