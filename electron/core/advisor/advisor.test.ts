// Workstations in trouble → the one next step for each subject, the most harmful first.
import { describe, expect, it } from 'vitest'
import { Advice } from '../../../shared/advice.ts'
import type { Attachment, Engine } from '../../../shared/engine.ts'
import type { MpsDaemon } from '../../../shared/mps.ts'
import { LIMITS_UNKNOWN } from '../../../shared/mps.testkit.ts'
import { adviceOn } from './advisor.ts'

const GPU = 'GPU-a'
const attachment = (reason: Attachment['reason']): Attachment => ({ state: reason === null ? 'attached' : 'notAttached', reason, sentence: 's', evidence: ['seen'], restartHelps: false })
const engine = (id: string, reason: Attachment['reason'], change: Partial<Engine> = {}): Engine => ({
  id, colour: 0, temporary: false, state: 'ready', sinceMs: 0, readiness: null, pid: 1, startedAtMs: 0, loadedInMs: null, adopted: false, port: 1, pids: [1], gpuMemoryMiB: null, memoryNeed: null, attachment: attachment(reason), lastExit: null, fault: null,
  spec: { recipe: 'custom', name: id, gpuUuid: GPU, onMps: true, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: null, env: {}, cwd: null, restartBudget: 0, readyWithinSeconds: 1, argv: ['x'], healthPath: null, metricsPath: null, openAi: false, sequences: null, kvTokens: null },
  rates: { generatedTokensPerSecond: null, promptTokensPerSecond: null, requestsRunning: null, requestsWaiting: null, source: null, counting: null, readAtMs: null },
  restarts: { used: 0, budget: 0, windowMs: 1 }, ...change,
})
const daemon = (change: Partial<MpsDaemon> = {}): MpsDaemon => ({
  gpuUuid: GPU, gpuIndex: 0, state: 'running', sinceMs: 0, sentence: '', pipeDirectory: '/pipe', logDirectory: null, ownership: 'overlap', daemonPid: 100, daemonUid: null, controlVersion: null,
  servers: [{ pid: 101, status: 'ACTIVE' }], clients: [], limits: LIMITS_UNKNOWN, proof: { listening: true, lockOwnerPid: 100, answers: true, checkedAtMs: 0 }, foreign: [], fault: null, ...change,
})
const fault = (code: 'NO_CUDA_DEVICE' | 'ENGINE_OUT_OF_MEMORY' | 'ENGINE_EXITED' | 'MPS_NOT_RUNNING' | 'MPS_SERVER_FAULT') => ({ code, sentence: `${code} happened.`, hint: 'Do this.', field: null, detail: 'last words' })
const stopped = daemon({ state: 'stopped', ownership: null, daemonPid: null, servers: [] })
const limits = (wanted: number | null, sharePercent: number, changedAtMs: number | null = null): MpsDaemon['limits'] => ({ ...LIMITS_UNKNOWN, wanted: { sharePercent: wanted, pinnedMemoryMiB: null }, servers: [{ pid: 101, sharePercent, pinnedMemory: 'none', changedAtMs }] })
const sharing = (id: string, sharePercent: number): Engine => ({ ...engine(id, null), spec: { ...engine(id, null).spec, sharePercent } })
const other = { pid: 7, uid: 1001, pipeDirectory: '/other', gpuUuids: null }

describe('adviceOn', () => {
  it.each<[string, MpsDaemon[], Engine[], [id: string, call: string | undefined][]]>([
    ['nothing to say', [daemon()], [engine('a', null), engine('b', null)], []],
    ['an older engine', [daemon()], [engine('a', 'startedBeforeDaemon'), engine('b', null)], [['startedBeforeDaemon/a', 'engine.restart']]],
    ['an older engine that was not started for MPS', [daemon()], [{ ...engine('a', 'startedBeforeDaemon'), spec: { ...engine('a', null).spec, onMps: false } }, engine('b', null)], [['startedBeforeDaemon/a', 'engine.putOnMps']]],
    ['an engine of a daemon that is gone', [daemon()], [engine('a', 'daemonChanged')], [['daemonChanged/a', 'engine.restart']]],
    ['an engine with another folder', [daemon()], [engine('a', 'environmentDiffers')], [['environmentDiffers/a', 'engine.restart']]],
    ['a silently plain engine', [daemon()], [engine('a', 'silentlyPlain')], [['silentlyPlain/a', 'engine.restart']]],
    ['one that is still loading', [daemon()], [engine('a', 'startedBeforeDaemon', { state: 'starting' })], []],
    ['two engines without MPS', [stopped], [engine('a', 'notAsked'), engine('b', 'notAsked')], [[`mpsOff/${GPU}`, 'mps.start']]],
    ['one engine without MPS', [stopped], [engine('a', 'notAsked')], []],
    ['two engines, one of them elsewhere', [stopped], [engine('a', 'notAsked'), { ...engine('b', 'notAsked'), spec: { ...engine('b', null).spec, gpuUuid: 'GPU-b' } }], []],
    ['MPS on, engines not set to use it', [daemon()], [engine('a', 'notAsked'), engine('b', 'notAsked')], [[`notAsked/${GPU}`, 'engine.putOnMps']]],
    ['a faulted server', [daemon({ state: 'faulted', servers: [{ pid: 101, status: 'FAULT' }] })], [engine('a', null)], [[`serverFault/${GPU}`, 'mps.restart']]],
    ['engines whose daemon died', [stopped], ['a', 'b'].map((id) => engine(id, 'notRunning', { state: 'failed', fault: fault('MPS_SERVER_FAULT') })), [[`mpsWanted/${GPU}`, 'mps.start']]],
    ['an engine that found no MPS, which runs now', [daemon()], [engine('a', 'notRunning', { state: 'failed', fault: fault('MPS_NOT_RUNNING') })], [['mpsIsBack/a', 'engine.start']]],
    ['a faulted server, whose other client ended', [daemon({ state: 'faulted', servers: [{ pid: 101, status: 'FAULT' }] })], [engine('a', 'notRunning', { state: 'failed', fault: fault('MPS_SERVER_FAULT') })], [[`serverFault/${GPU}`, 'mps.restart']]],
    ['a fault of a daemon that Overlap did not start', [daemon({ state: 'faulted', ownership: 'used', servers: [{ pid: 101, status: 'FAULT' }] })], [], [[`serverFault/${GPU}`, 'open']]],
    ['a used daemon that is gone', [{ ...stopped, ownership: 'used' }], ['a', 'b'].map((id) => engine(id, 'notRunning', { state: 'failed', fault: fault('MPS_NOT_RUNNING') })), [[`usedDaemonGone/${GPU}`, 'open']]],
    ['a default that the server is older than', [daemon({ limits: limits(40, 100) })], [], [[`serverBehindDefault/${GPU}`, 'mps.restart']]],
    ['a server that has its default', [daemon({ limits: limits(33.33, 33.3) })], [], []],
    ['a server that was set by itself', [daemon({ limits: limits(40, 30, 7) })], [], []],
    ['an engine with more than its server gives', [daemon({ limits: limits(null, 30) })], [sharing('a', 50), sharing('b', 20)], [['lowerCeiling/a', 'open']]],
    ['no CUDA device', [daemon({ state: 'noServer', fault: fault('NO_CUDA_DEVICE') })], [], [[`noCudaDevice/${GPU}`, 'open']]],
    ['a failed engine', [daemon()], [engine('a', 'notRunning', { state: 'failed', fault: fault('ENGINE_OUT_OF_MEMORY') })], [['engineFailed/a', 'open']]],
    ['a lost keeper', [daemon()], [engine('a', null, { state: 'unknown', fault: fault('ENGINE_EXITED') })], [['keeperGone/a', 'engine.restart']]],
    ['two daemons on one GPU', [daemon({ foreign: [other] })], [], [[`twoDaemons/${GPU}`, 'open']]],
    ['its own daemon among the foreign, in use', [daemon({ ownership: 'used', foreign: [{ ...other, pid: 100 }] })], [], []],
    ["somebody else's daemon", [daemon({ state: 'foreign', ownership: 'foreign', foreign: [other] })], [engine('a', 'noDaemon'), engine('b', 'noDaemon')], [[`foreignDaemon/${GPU}`, 'open']]],
    ['one for each subject, harm first', [daemon({ foreign: [other] })], [engine('a', 'silentlyPlain', { state: 'unknown', fault: fault('ENGINE_EXITED') }), engine('b', 'notRunning', { state: 'failed', fault: fault('ENGINE_EXITED') })],
      [['engineFailed/b', 'open'], [`twoDaemons/${GPU}`, 'open'], ['silentlyPlain/a', 'engine.restart']]],
  ])('%s', (_, daemons, engines, expected) => {
    const advice = adviceOn({ identities: [], frame: null, daemons, engines })
    expect(advice.map(({ id, action }) => [id, action?.call])).toEqual(expected)
    for (const one of advice) {
      expect(Advice.strict().parse(one)).toEqual(one)
      expect([one.gpuUuid, one.sentence.endsWith('.'), one.evidence.length > 0]).toEqual([GPU, true, true])
    }
  })
})
