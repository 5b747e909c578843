// Whether a spec can stand beside the engines that are there: its own rules, its GPU, its name, its port; and the colour it gets.
// Changes nothing.
import type { EngineSpec } from '../../../shared/engine.ts'
import { FaultError } from '../../../shared/fault.ts'
import type { LocalEngine } from './engine.ts'
import { portFault } from './enginePorts.ts'
import type { Surroundings } from './launch.ts'
import { checkSpec } from './recipes/recipes.ts'

const MOST_ENGINES = 64

/** `self`: the engine that the spec is for; null: a new one. Throws BAD_INPUT, PORT_TAKEN or TOO_MANY. */
export function admit(spec: EngineSpec, self: LocalEngine | null, all: readonly LocalEngine[], surroundings: Surroundings): void {
  if (self === null && all.length >= MOST_ENGINES) throw new FaultError('TOO_MANY', `There are ${MOST_ENGINES} engines already.`, 'Remove one that is no longer needed.')
  checkSpec(spec)
  if (spec.gpuUuid !== null && spec.gpuUuid !== self?.spec.gpuUuid && !surroundings.gpuExists(spec.gpuUuid)) {
    throw new FaultError('BAD_INPUT', `There is no GPU ${spec.gpuUuid}.`, 'Choose one of the GPUs of this machine.', { field: 'spec.gpuUuid' })
  }
  const others = all.filter((engine) => engine !== self)
  if (others.some((engine) => engine.spec.name.toLowerCase() === spec.name.toLowerCase())) {
    throw new FaultError('BAD_INPUT', `Another engine is called ${spec.name}.`, 'Choose another name.', { field: 'spec.name' })
  }
  const rival = others.find((engine) => spec.port !== null && (engine.spec.port ?? engine.run?.plan.port) === spec.port)
  if (rival) throw portFault(`Port ${spec.port} belongs to ${rival.spec.name}.`)
}

/** The lowest that no engine has. */
export function freeColour(all: Iterable<LocalEngine>): number {
  const colours = new Set([...all].map((engine) => engine.colour))
  let colour = 0
  while (colours.has(colour)) colour += 1
  return colour
}
