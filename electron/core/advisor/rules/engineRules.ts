// Rules that speak of one engine: not on MPS although it should be, or failed.
import type { Engine } from '../../../../shared/engine.ts'
import type { Finding, Rule } from '../facts.ts'

const ofEngine = (rule: string, engine: Engine, rest: Pick<Finding, 'rank' | 'sentence' | 'evidence' | 'action'>): Finding =>
  ({ id: `${rule}/${engine.id}`, subject: `engine/${engine.id}`, gpuUuid: engine.spec.gpuUuid, ...rest })

const restart = (engine: Engine) => ({ call: 'engine.restart', label: `Restart ${engine.spec.name}`, input: { id: engine.id } }) as const

const forReason = (rule: string, reason: Engine['attachment']['reason'], sentence: (name: string) => string): Rule => ({ engines }) =>
  engines
    .filter(({ state, attachment }) => ['ready', 'unknown'].includes(state) && attachment.state === 'notAttached' && attachment.reason === reason)
    .map((engine) => ofEngine(rule, engine, { rank: 2, sentence: sentence(engine.spec.name), evidence: engine.attachment.evidence, action: restart(engine) }))

export const startedBeforeDaemon = forReason('startedBeforeDaemon', 'startedBeforeDaemon', (name) => `${name} was started before the MPS daemon and is not on MPS: restart it to attach it.`)
export const daemonChanged = forReason('daemonChanged', 'daemonChanged', (name) => `${name} belongs to an MPS daemon that is gone: restart it to attach it to the present one.`)
export const environmentDiffers = forReason('environmentDiffers', 'environmentDiffers', (name) => `${name} looks for MPS in another folder than the daemon's: restart it to attach it.`)
export const silentlyPlain = forReason('silentlyPlain', 'silentlyPlain', (name) => `${name} was started for MPS and yet runs as an ordinary CUDA process: restart it, and look at its log if that does not help.`)

/** An engine that is about to be restarted by itself needs no advice. */
export const engineFailed: Rule = ({ engines }) =>
  engines
    .filter(({ state, fault }) => state === 'failed' && fault !== null)
    .map((engine) => ofEngine('engineFailed', engine, {
      rank: 1,
      sentence: `${engine.fault?.sentence ?? ''} ${engine.fault?.hint ?? ''}`.trim(),
      evidence: engine.fault?.detail == null ? [] : [engine.fault.detail],
      action: { call: 'open', label: 'Look at its log', input: { screen: 'engines' } },
    }))

export const keeperGone: Rule = ({ engines }) =>
  engines
    .filter(({ state, fault }) => state === 'unknown' && fault !== null)
    .map((engine) => ofEngine('keeperGone', engine, { rank: 2, sentence: engine.fault?.sentence ?? '', evidence: [engine.fault?.hint ?? ''], action: restart(engine) }))
