import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lastGpuFaultMs, lastStart, logFact, logTail, readLogLine, serverStory, startFault } from './serverLog.ts'

const file = (name: string) => readFileSync(new URL(`./fixtures/${name}.txt`, import.meta.url), 'utf8').split('\n')
const until = (lines: string[], text: string) => lines.slice(0, lines.findIndex((line) => line.includes(text)) + 1)
const fact = (text: string) => logFact({ at: '', component: 'Server', pid: 528, text })

describe('a log line', () => {
  it.each([
    ['[2026-11-23 22:35:37.369 Other 11767] Startup', { at: '2026-11-23 22:35:37.369', component: 'Other', pid: 11767, text: 'Startup' }],
    ['[2026-11-23 22:36:18.365 Server   528] Server has started', { at: '2026-11-23 22:36:18.365', component: 'Server', pid: 528, text: 'Server has started' }],
    ['[2026-11-23 22:36:18.365 Legacy Server   528] x', { at: '2026-11-23 22:36:18.365', component: 'Legacy Server', pid: 528, text: 'x' }],
    ['[2026-11-23 22:36:18.365 Serv', null],
    ['', null],
  ])('%j', (line, expected) => expect(readLogLine(line)).toEqual(expected))

  it.each([
    ['Starting new server 11767 for user 0', { kind: 'status', serverPid: 11767, status: 'INITIALIZING', begins: 'life' }],
    ['NEW SERVER 2201: Ready', { kind: 'status', serverPid: 2201, status: 'ACTIVE' }],
    ['Server has started', { kind: 'status', serverPid: 528, status: 'ACTIVE' }],
    ['Startup', { kind: 'status', serverPid: 528, status: 'INITIALIZING' }],
    ['Server 11767 exited with status 1', { kind: 'exited', serverPid: 11767, status: 1 }],
    ['Failed to start : no CUDA-capable device is detected', { kind: 'failed', serverPid: 528, words: 'no CUDA-capable device is detected' }],
    ['Client process 42 encountered a fatal GPU error.', { kind: 'gpuFault', serverPid: 528 }], // 535
    ['Client {PID: 757, Context: 1} encountered a fatal GPU error.', { kind: 'gpuFault', serverPid: 528 }], // 580
    ['Server is handling a fatal GPU error.', { kind: 'gpuFault', serverPid: 528 }],
    ['Server has begun teardown sequence to handle a fatal GPU error.', { kind: 'gpuFault', serverPid: 528 }],
    ['User did not send valid credentials', null],
    ['Receive command failed, assuming client exit', null], // a normal exit
    ['Client termination failed with invalid device context.', null],
  ])('%j means %j', (text, expected) => expect(fact(text)).toEqual(expected))
})

describe('the story of a server', () => {
  it('on 535 without a GPU: started, failed, gone, with the reason in plain words', () => {
    const lines = [...file('control-535-no-gpu'), ...file('server-535-no-gpu')]
    expect(lastStart(file('control-535-no-gpu'))).toEqual({ id: '2026-11-23 22:35:37.364 11767', pid: 11767 })
    const story = serverStory(lines, 11767)
    expect(story).toMatchObject({ exited: true, fault: { code: 'NO_CUDA_DEVICE' } })
    expect(story.fault?.sentence).toContain('no CUDA-capable device is detected')
  })

  it('on the H100: ACTIVE, then FAULT without a culprit', () => {
    const control = file('h100-580/control-log')
    const server = file('h100-580/server-log')
    expect(serverStory([...control, ...until(server, 'Server has started')], 528)).toEqual({ status: 'ACTIVE', exited: true, fault: null }) // exited with status 0 at the end
    const story = serverStory(until(server, 'The following devices will be reset'), 528)
    expect(story).toMatchObject({ status: 'FAULT', exited: false, fault: { code: 'MPS_SERVER_FAULT' } })
    expect(story.fault?.sentence).not.toMatch(/757|758|759/)
  })

  it('on the H100: all clients ended within 50 ms of the fault, and nothing but the log remembers it', () => {
    const server = file('h100-580/server-log-short-fault')
    expect(lastGpuFaultMs(server, 576)).toBe(new Date('2026-11-23T23:40:17.007').getTime())
    expect(lastGpuFaultMs(server, 967)).toBeNull()
    expect(lastGpuFaultMs(until(server, 'Status of client {PID: 838'), 576)).toBeNull()
  })

  it('of the second daemon over the first one’s log', () => {
    const control = file('h100-580/control-log-killed')
    expect(lastStart(control)?.pid).toBe(2257)
    expect(lastStart(until(control, 'Control  2234] Starting control daemon'))).toBeNull()
    expect(serverStory([...control, ...file('h100-580/server-log-killed')], 2257)).toEqual({ status: 'ACTIVE', exited: true, fault: null })
  })

  it('forgets what an earlier process with the same pid did', () => {
    const lines = ['[d t Control 1] Starting new server 7 for user 0', '[d t Control 1] Server 7 exited with status 1', '[d u Control 1] Starting new server 7 for user 0']
    expect(serverStory(lines, 7)).toEqual({ status: 'INITIALIZING', exited: false, fault: null })
    expect(serverStory(lines.slice(0, 2), 7).fault?.code).toBe('MPS_SERVER_FAULT')
  })

  it.each([
    ['no CUDA-capable device is detected', 'NO_CUDA_DEVICE'],
    ['all CUDA-capable devices are busy or unavailable', 'MPS_SERVER_FAULT'],
    ['Driver/MPS controller version mismatch', 'MPS_SERVER_FAULT'],
    ['', 'MPS_SERVER_FAULT'],
  ])('%j is %s', (words, code) => expect(startFault(words)).toMatchObject({ code, detail: words || null, hint: expect.stringMatching(/./) }))
})

describe('the tail of a log', () => {
  it('is bounded, begins at a whole line and is empty without a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'overlap-log-'))
    try {
      const path = join(folder, 'server.log')
      expect(await logTail(path)).toEqual([])
      writeFileSync(path, 'first line\nsecond line\nthird line\n')
      expect(await logTail(path)).toEqual(['first line', 'second line', 'third line'])
      expect(await logTail(path, 15)).toEqual(['third line'])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
