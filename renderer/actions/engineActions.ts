// What can be done to one engine, and to the list of engines.
import type { EngineState } from '../../shared/engine.ts'
import { useEngines, type SettledEngine as Engine } from '../state/engines.ts'
import { daemonOf, useMps } from '../state/mps.ts'
import { openScreen, useView } from '../state/view.ts'
import { limitCaution, memoryLimitOf } from '../../shared/memoryLimit.ts'
import type { Action } from './action.ts'

const AT_REST: EngineState[] = ['stopped', 'failed']

export function engineActions(engine: Engine): Action[] {
  return [startEngine(engine), stopEngine(engine), restartEngine(engine), putEngineOnMps(engine), changeEngine(engine), removeEngine(engine)]
}

export function openEngine({ id, spec }: Engine): Action {
  return {
    id: `view.engine/${id}`, label: `Open ${spec.name}`, group: 'Engines', about: 'Its settings, log, and the evidence of its attachment.', immediate: true, blocked: null,
    run: () => { useView.setState({ engineId: id, engineForm: null }); openScreen('engines') },
  }
}

export function startEngine(engine: Engine): Action {
  return {
    id: `engine.start/${engine.id}`, label: `Start ${engine.spec.name}`, group: 'Engines',
    about: 'Launches it and waits until it answers. Engines on one GPU load one after another.',
    caution: memoryCaution(engine),
    blocked: AT_REST.includes(engine.state) ? null : `${engine.spec.name} is ${engine.state}.`,
    preview: (client) => client.engine.preview({ id: engine.id, action: 'start' }),
    run: (client) => client.engine.start({ id: engine.id }),
    watch: () => watch(engine, (now) => now.sinceMs !== engine.sinceMs),
  }
}

export function stopEngine(engine: Engine): Action {
  const onMps = engine.attachment.state === 'attached'
  return {
    id: `engine.stop/${engine.id}`, label: `Stop ${engine.spec.name}`, group: 'Engines', danger: true,
    about: onMps ? 'Asks it to finish, then ends it. It is an MPS client: should it have to be killed, other engines on this daemon can be hurt.'
      : 'Asks it to finish what it has, then ends it.',
    blocked: AT_REST.includes(engine.state) || engine.state === 'stopping' ? `${engine.spec.name} is ${engine.state}.` : null,
    preview: (client) => client.engine.preview({ id: engine.id, action: 'stop' }),
    run: (client) => client.engine.stop({ id: engine.id }),
    watch: () => watch(engine, (now) => AT_REST.includes(now.state)),
  }
}

export function restartEngine(engine: Engine): Action {
  return {
    id: `engine.restart/${engine.id}`, label: `Restart ${engine.spec.name}`, group: 'Engines', danger: true,
    about: 'Stops it politely and starts it again with its present settings.',
    caution: memoryCaution(engine),
    blocked: engine.state === 'ready' || engine.state === 'starting' || engine.state === 'unknown' ? null : `${engine.spec.name} is ${engine.state}.`,
    preview: (client) => client.engine.preview({ id: engine.id, action: 'restart' }),
    run: (client) => client.engine.restart({ id: engine.id }),
    watch: () => watch(engine, (now) => now.startedAtMs !== null && now.startedAtMs !== engine.startedAtMs),
  }
}

export function putEngineOnMps(engine: Engine): Action {
  const daemon = daemonOf(useMps.getState().daemons, engine.spec.gpuUuid ?? '')
  return {
    id: `engine.putOnMps/${engine.id}`, label: `Put ${engine.spec.name} on MPS`, group: 'Engines', danger: engine.pid !== null,
    about: engine.pid === null ? 'Starts it as an MPS client, now and from now on.' : 'Restarts it as an MPS client, and starts it so from now on: a running process cannot join.',
    caution: memoryCaution(engine, true),
    blocked: engine.spec.onMps ? `${engine.spec.name} is set to use MPS already.` : daemon?.state === 'running' ? null : 'Start MPS first.',
    preview: (client) => client.engine.preview({ id: engine.id, action: 'putOnMps' }),
    run: (client) => client.engine.putOnMps({ id: engine.id }),
    watch: () => watch(engine, (now) => now.startedAtMs !== null && now.startedAtMs !== engine.startedAtMs),
  }
}

/** Of a start with its present settings, or as an MPS client whatever they say. null: nothing to know. */
export function memoryCaution({ spec, memoryNeed }: Engine, onMps = spec.onMps): string | null {
  const daemon = daemonOf(useMps.getState().daemons, spec.gpuUuid)
  return onMps ? limitCaution(spec.name, memoryLimitOf(spec.pinnedMemoryLimitMiB, daemon?.limits ?? null), memoryNeed) : null
}

export function changeEngine(engine: Engine): Action {
  return {
    id: `engine.change/${engine.id}`, label: `Change ${engine.spec.name}`, group: 'Engines', about: 'Opens its settings.', immediate: true, opensChange: true,
    blocked: AT_REST.includes(engine.state) ? null : 'Stop it first: settings take effect at a start.',
    run: () => { openScreen('engines'); useView.setState({ engineId: engine.id, engineForm: { id: engine.id } }) },
  }
}

export function removeEngine(engine: Engine): Action {
  return {
    id: `engine.remove/${engine.id}`, label: `Remove ${engine.spec.name}`, group: 'Engines', danger: true,
    about: 'Forgets its settings. Its log is deleted. Its model stays where it is.',
    blocked: AT_REST.includes(engine.state) ? null : 'Stop it first.',
    run: (client) => client.engine.remove({ id: engine.id }),
    watch: () => () => !(useEngines.getState().engines ?? []).some((one) => one.id === engine.id),
  }
}

export const addEngine: Action = {
  id: 'engine.add', label: 'Add engine', group: 'Engines', about: 'Describes an engine: a recipe, a GPU, its limits.', keys: 'A', immediate: true, opensChange: true, blocked: null,
  run: () => { openScreen('engines'); useView.setState({ engineForm: 'new' }) },
}

function watch(before: Engine, reached: (now: Engine) => boolean): () => boolean {
  return () => {
    const now = useEngines.getState().engines?.find((one) => one.id === before.id)
    return now === undefined || reached(now)
  }
}
