import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  defaultShare, pinnedMemoryText, quitLine, readClientList, readControlVersion, readPinnedMemory, readPs, readServerStatus, readShare, sessionEnd, sessionText, serverList, serverShare, setDefaults,
  snapshot, splitSentinel, startServer, terminateClient,
} from './control.ts'

const h100 = (name: string) => readFileSync(new URL(`./fixtures/h100-580/${name}.txt`, import.meta.url), 'utf8')
const lines = (name: string) => h100(name).split('\n').filter((line) => line !== '')
/** What a session that asked one question would print, its sentinel included. */
const end = (stdout: string, count = 1, exitCode = 0, stderr = '') => sessionEnd({ exitCode, stdout, stderr }, count)

describe('a session', () => {
  it('closes every line with the sentinel', () => {
    expect(sessionText(['get_server_list', 'ps'])).toBe('get_server_list\nget_default_client_priority\nps\nget_default_client_priority\n')
    expect(sessionText(['quit'], false)).toBe('quit\n')
  })

  it.each([
    ['', 1, null], // lost whole: exit code 0 and nothing
    ['528\n', 1, null], // cut before the sentinel
    ['0\n', 1, [[]]], // no servers, proven
    ['1\n', 1, [[]]], // the default priority was set to 1
    ['528\n0\n', 1, [['528']]],
    ['1\n0\n', 1, [['1']]], // terminate_client's own 1
    ['Server 5 not found\nServer 5 not found!\n1\n0\n', 1, [['Server 5 not found', 'Server 5 not found!', '1']]],
    ['528\r\n 0\n', 1, null], // leading space: not what the program prints
    ['0\n100.0\n0\n', 2, [[], ['100.0']]],
    ['100.0\n0\n0\n', 2, [['100.0'], []]],
    ['0\n100.0\n', 2, null],
    ['0\n0\n0\n', 2, null], // somebody else's sentinel came with ours
  ])('%j of %i lines splits into %j', (stdout, count, replies) => {
    expect(splitSentinel(stdout, count)).toEqual(replies)
  })

  it.each([
    [1, '', 'Cannot find MPS control daemon process\n', 'notRunning'],
    [1, '', 'Cannot send command to MPS control daemon process\n', 'lost'],
    [1, '', 'Cannot authenticate or connect to MPS control daemon process\n', 'lost'],
    [1, '', '', 'lost'],
    [0, '', '', 'lost'],
    [null, '', '', 'lost'],
    [0, '0\n', '', 'answered'],
  ])('exit %s, %j, %j is %s', (exitCode, stdout, stderr, kind) => {
    expect(sessionEnd({ exitCode, stdout, stderr }, 1).kind).toBe(kind)
  })

  it('knows the true words of a missing daemon', () => {
    expect(end(h100('no-daemon'), 1, 1).kind).toBe('notRunning')
  })

  it('without the sentinel believes an empty answer: what the sentinel is for', () => {
    expect(sessionEnd({ exitCode: 0, stdout: '', stderr: '' }, 1, false)).toEqual({ kind: 'answered', replies: [[]] })
  })
})

describe('replies', () => {
  it.each([
    ['server-list-none', []],
    ['server-list', [528]],
  ])('server list %s', (name, pids) => expect(serverList.read([lines(name)])).toEqual(pids))

  it.each([['100.0'], ['Unknown command "get_server_list"'], ['528x'], ['-1'], ['0']])('%j is no server list', (line) => {
    expect(serverList.read([[line]])).toBeUndefined()
  })

  it.each([
    [lines('server-status-active'), 'ACTIVE'],
    [lines('server-status-fault'), 'FAULT'],
    [lines('server-status-after-fault'), 'ACTIVE'],
    [['INITIALIZING'], 'INITIALIZING'],
    [['Server 5 not found'], 'gone'],
    [['Unknown command "get_server_status"'], null], // 535
    [['33.3'], undefined],
    [[], undefined],
  ])('server status %j is %s', (reply, status) => expect(readServerStatus(reply)).toBe(status))

  it.each([
    [lines('client-list'), [544, 545]],
    [lines('client-list-fault'), [758, 759, 757]],
    [[], []],
    [['Server 0 not found'], null],
    [['ACTIVE'], undefined],
  ])('client list %j is %j', (reply, pids) => expect(readClientList(reply)).toEqual(pids))

  it('reads the table of ps, with and without rows', () => {
    expect(readPs(lines('ps'))).toEqual([
      { pid: 544, id: 1, serverPid: 528, device: 'GPU-5e1f0c7a-62b4-98d3', namespace: '4026531836', command: '/home/user1/venv/bin/python3' },
      { pid: 545, id: 2, serverPid: 528, device: 'GPU-5e1f0c7a-62b4-98d3', namespace: '4026531836', command: '/home/user1/venv/bin/python3' },
    ])
    expect(readPs(lines('ps-no-client'))).toEqual([])
    expect(readPs(lines('ps-no-server'))).toEqual([])
    expect(readPs(['ACTIVE'])).toBeUndefined()
    expect(readPs([...lines('ps'), 'half a ro'])).toBeUndefined()
    // 595 adds a last column; a command may hold spaces
    expect(readPs(['PID       ID        SERVER         DEVICE   NAMESPACE      COMMAND        ATTRIBUTES', '7 1 5 GPU-1 42 a b'])?.[0]?.command).toBe('a b')
  })

  it.each([
    [lines('default-share'), 100],
    [['33.3'], 33.3],
    [['0'], undefined], // the sentinel is no share
    [['33.3', '40.0'], undefined],
    [[], undefined],
  ])('share %j is %s', (reply, share) => expect(readShare(reply)).toBe(share))

  it('a refused share echoes the old one, which is answer and read-back', () => {
    const share = (sharePercent: number) => setDefaults({ sharePercent, pinnedMemoryMiB: null }, null)
    expect(share(133).read([['33.3'], ['33.3']])).toEqual({ echoed: 33.3, sharePercent: 33.3, pinnedMemory: null })
    expect(share(41.5).read([['41.5'], []])).toBeUndefined()
  })

  it('limits of memory go out as whole megabytes of a numbered device and are read back with it', () => {
    const { lines: asked, read } = setDefaults({ sharePercent: 40, pinnedMemoryMiB: 8192 }, 0)
    expect(asked).toEqual(['set_default_active_thread_percentage 40', 'get_default_active_thread_percentage', 'set_default_device_pinned_mem_limit 0 8192M', 'get_default_device_pinned_mem_limit 0'])
    expect(read([['40.0'], ['40.0'], [], ['8G']])).toEqual({ echoed: 40, sharePercent: 40, pinnedMemory: '8G' })
    expect(setDefaults({ sharePercent: null, pinnedMemoryMiB: null }, 0).lines.slice(0, 3)).toEqual(['set_default_active_thread_percentage 100', 'get_default_active_thread_percentage', 'set_default_device_pinned_mem_limit 0 0M'])
    expect(() => read([['40.0'], ['40.0'], ['Insufficient privileges for UID 1000'], []])).toThrow(expect.objectContaining({ fault: expect.objectContaining({ code: 'NO_PERMISSION' }) }))
  })

  it("reads the true answers of an H100: memory set in silence, the server's own share", () => {
    const [memory = '', share = ''] = lines('pinned-and-share')
    expect([readPinnedMemory([memory]), readShare([share]), serverShare(528).read([lines('server-share')])]).toEqual(['8G', 40, 100])
  })

  it.each([[['8G'], '8G'], [['900M'], '900M'], [[], 'none'], [['Invalid command format.'], null], [['0'], null]])('memory %j reads %j', (reply, read) => expect(readPinnedMemory(reply)).toBe(read))
  it.each([[null, 'none'], [900, '900M'], [1023, '1023M'], [1536, '1G'], [8192, '8G']])('%j MiB come back as %j', (mebibytes, text) => expect(pinnedMemoryText(mebibytes)).toBe(text))
  it('a server that is gone has no limits', () => expect(serverShare(5).read([['Server 5 not found']])).toBe('gone'))

  it.each([
    [lines('terminate-client'), 'done'],
    [lines('terminate-client-none'), 'gone'], // 201: CUDA_ERROR_INVALID_CONTEXT
    [['1'], 'failed'],
    [['Invalid process 5!', '1'], 'failed'],
    [['Server 5 not found', 'Server 5 not found!', '1'], 'gone'],
    [[], undefined],
  ])('terminate_client %j is %s', (reply, answer) => expect(terminateClient(528, 5).read([reply])).toBe(answer))

  it.each([
    ['Insufficient privileges for UID 65534. Control deamon settings can only be modified by the user who started it or by the root user.'],
    ['Insufficient privileges for UID 1000'],
  ])('%j is a refusal, not a lost answer', (words) => {
    expect(() => startServer(0).read([[words]])).toThrow(expect.objectContaining({ fault: expect.objectContaining({ code: 'NO_PERMISSION', detail: words }) }))
  })

  it.each([
    [[], null],
    [['Invalid UID: abc', 'Invalid start_server cmd.'], 'Invalid UID: abc Invalid start_server cmd.'],
  ])('start_server %j objects %j', (reply, objection) => expect(startServer(0).read([reply])).toEqual({ objection }))

  it.each([
    [h100('v'), '13000'],
    ['CUDA MPS Control for Linux/Unix/QNX. Binary version: 13020\n', '13020'],
    ['', null],
  ])('version', (stdout, version) => expect(readControlVersion(stdout)).toBe(version))

  it('quits with and without a time', () => {
    expect([quitLine(null), quitLine(0), quitLine(20)]).toEqual(['quit', 'quit -t 0', 'quit -t 20'])
  })
})

describe('the snapshot', () => {
  it('reads servers, status, clients and ps out of one session', () => {
    const { lines: asked, read } = snapshot([528], 0)
    const stdout = `528\n0\n100.0\n0\n8G\n0\nACTIVE\n0\n${h100('client-list')}0\n${h100('ps')}0\n`
    const whole = end(stdout, asked.length)
    if (whole.kind !== 'answered') throw new Error(whole.kind)
    expect(read(whole.replies)).toEqual({ serverPids: [528], default: { sharePercent: 100, pinnedMemory: '8G' }, servers: [{ pid: 528, status: 'ACTIVE', clientPids: [544, 545] }], ps: readPs(lines('ps')) })
  })

  it('without servers asks three lines only', () => {
    expect(snapshot([], 0).lines).toEqual([...serverList.lines, ...defaultShare.lines, 'get_default_device_pinned_mem_limit 0'])
    expect(snapshot([], null).lines).toHaveLength(2) // the number of its GPU is not known
    expect(snapshot([], 0).read([[], ['100.0'], []])).toEqual({ serverPids: [], default: { sharePercent: 100, pinnedMemory: 'none' }, servers: [], ps: [] })
  })

  it('takes replies in a wrong place for a lost answer', () => {
    expect(snapshot([528], 0).read([['528'], ['100.0'], [], ['544'], ['ACTIVE'], []])).toBeUndefined()
    expect(snapshot([], 0).read([['100.0'], [], []])).toBeUndefined()
    expect(snapshot([528], 0).read([['528'], ['100.0'], [], ['ACTIVE']])).toBeUndefined()
  })
})
