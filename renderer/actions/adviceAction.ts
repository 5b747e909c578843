// The action behind a piece of advice: the same record that its button elsewhere uses.
import type { AdviceAction } from '../../shared/advice.ts'
import type { MpsDaemon } from '../../shared/mps.ts'
import type { SettledEngine } from '../state/engines.ts'
import { daemonOf } from '../state/mps.ts'
import type { Action } from './action.ts'
import { putEngineOnMps, restartEngine, startEngine } from './engineActions.ts'
import { restartMps, startMps } from './mpsActions.ts'
import { viewActions } from './viewActions.ts'

/** null when what it speaks of is not there. */
export function adviceAction(advised: AdviceAction, engines: SettledEngine[] | null, daemons: MpsDaemon[] | null): Action | null {
  const relabel = (action: Action | undefined): Action | null => (action === undefined ? null : { ...action, label: advised.label })
  if (advised.call === 'open') return relabel(viewActions.find((action) => action.id === `view.screen/${advised.input.screen}`))
  if (advised.call === 'mps.start' || advised.call === 'mps.restart') {
    const daemon = daemonOf(daemons, advised.input.gpuUuid)
    return daemon === null ? null : relabel(advised.call === 'mps.start' ? startMps(daemon) : restartMps(daemon))
  }
  const engine = engines?.find((one) => one.id === advised.input.id)
  return engine === undefined ? null : relabel({ 'engine.start': startEngine, 'engine.restart': restartEngine, 'engine.putOnMps': putEngineOnMps }[advised.call](engine))
}
