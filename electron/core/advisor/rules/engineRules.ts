// Rules that speak of one engine: not on MPS although it should be, or failed.
import type { Engine } from '../../../../shared/engine.ts'
import type { MpsDaemon } from '../../../../shared/mps.ts'
import type { Finding, Rule } from '../facts.ts'

const ofEngine = (rule: string, engine: Engine, rest: Pick<Finding, 'rank' | 'sentence' | 'evidence' | 'action'>): Finding =>
  ({ id: `${rule}/${engine.id}`, subject: `engine/${engine.id}`, gpuUuid: engine.spec.gpuUuid, ...rest })

const restart = (engine: Engine) => ({ call: 'engine.restart', label: `Restart ${engine.spec.name}`, input: { id: engine.id } }) as const

/** One that was not started for MPS is told to use it, too. */
const attach = (engine: Engine) => engine.spec.onMps ? restart(engine) : ({ call: 'engine.putOnMps', label: `Put ${engine.spec.name} on MPS`, input: { id: engine.id } }) as const

const forReason = (rule: string, reason: Engine['attachment']['reason'], sentence: (name: string) => string): Rule => ({ engines }) =>
  engines
    .filter(({ state, attachment }) => ['ready', 'unknown'].includes(state) && attachment.state === 'notAttached' && attachment.reason === reason)
    .map((engine) => ofEngine(rule, engine, { rank: 2, sentence: sentence(engine.spec.name), evidence: engine.attachment.evidence, action: attach(engine) }))

export const startedBeforeDaemon = forReason('startedBeforeDaemon', 'startedBeforeDaemon', (name) => `${name} was started before the MPS daemon and is not on MPS: restart it to attach it.`)
export const daemonChanged = forReason('daemonChanged', 'daemonChanged', (name) => `${name} belongs to an MPS daemon that is gone: restart it to attach it to the present one.`)
export const environmentDiffers = forReason('environmentDiffers', 'environmentDiffers', (name) => `${name} looks for MPS in another folder than the daemon's: restart it to attach it.`)
export const silentlyPlain = forReason('silentlyPlain', 'silentlyPlain', (name) => `${name} was started for MPS and yet runs as an ordinary CUDA process: restart it, and look at its log if that does not help.`)

/** Those that only want MPS are told of by mpsWanted or by the server's fault, and come back with it. */
export const engineFailed: Rule = (facts) =>
  facts.engines
    .filter((engine) => engine.state === 'failed' && engine.fault !== null && !wantsMps(engine, facts.daemons))
    .map((engine) => ofEngine('engineFailed', engine, {
      rank: 1,
      sentence: `${engine.fault?.sentence ?? ''} ${engine.fault?.hint ?? ''}`.trim(),
      evidence: engine.fault?.detail == null ? [] : [engine.fault.detail],
      action: { call: 'open', label: 'Look at its log', input: { screen: 'engines' } },
    }))

/** It failed for want of MPS, and there is none that takes clients now. */
export const wantsMps = ({ state, spec, fault }: Engine, daemons: readonly MpsDaemon[]): boolean =>
  state === 'failed' && spec.onMps && (fault?.code === 'MPS_NOT_RUNNING' || fault?.code === 'MPS_SERVER_FAULT') &&
  daemons.some(({ gpuUuid, state: mps }) => gpuUuid === spec.gpuUuid && ['stopped', 'faulted'].includes(mps))

/** It failed for want of MPS, which is there now. */
export const mpsIsBack: Rule = ({ engines, daemons }) =>
  engines
    .filter(({ state, spec, fault }) => state === 'failed' && spec.onMps && fault?.code === 'MPS_NOT_RUNNING' && daemons.some((daemon) => daemon.gpuUuid === spec.gpuUuid && daemon.state === 'running'))
    .map((engine) => ofEngine('mpsIsBack', engine, {
      rank: 1,
      sentence: `${engine.spec.name} could not run without MPS, which runs now: start it.`,
      evidence: [engine.fault?.sentence ?? ''],
      action: { call: 'engine.start', label: `Start ${engine.spec.name}`, input: { id: engine.id } },
    }))

export const keeperGone: Rule = ({ engines }) =>
  engines
    .filter(({ state, fault }) => state === 'unknown' && fault !== null)
    .map((engine) => ofEngine('keeperGone', engine, { rank: 2, sentence: engine.fault?.sentence ?? '', evidence: [engine.fault?.hint ?? ''], action: restart(engine) }))
