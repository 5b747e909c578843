// Whether arms have the same resources: the replicas alike, the single engine their sum. Pure.
import type { Arm, Check } from '../../../shared/experiment.ts'
import type { Capacity } from '../engines/capacity.ts'
import { cpuList } from '../host/cpus.ts'

export interface ArmCapacity {
  arm: Arm
  /** One per engine: what its log said, else what its spec declares. */
  capacities: readonly Capacity[]
  /** CPUs that each engine's processes may use, as the kernel has it; null: could not be read. */
  cpus: readonly (readonly number[] | null)[]
}

/** A cache is cut to whole blocks of tokens. */
const TOLERANCE = 0.01

/** For one arm against the single engine (null: the experiment has none). `replicas`: engines of the largest arm, whose sum the single engine has. */
export function parityOf({ arm, capacities, cpus }: ArmCapacity, single: ArmCapacity | null, replicas: number): Check[] {
  if (arm.kind === 'single') return []
  return [
    one(`kvParity/${arm.id}`, 'KV cache', 'tokens', 'kvCacheTokens'),
    one(`sequencesParity/${arm.id}`, 'Most sequences at once', '', 'maxSequences'),
    coresParity({ arm, cpus }, single, replicas),
  ]

  function one(name: string, what: string, unit: string, key: 'kvCacheTokens' | 'maxSequences'): Check {
    const values = capacities.map((capacity) => valueOf(capacity, key))
    const whole = single?.capacities[0] ? valueOf(single.capacities[0], key) : null
    const words = (value: number | null) => `${value ?? '—'}${value !== null && unit ? ` ${unit}` : ''}`
    const evidence = [...values.map((value, at) => `${arm.id}-${at + 1}: ${words(value)}`), ...(single ? [`${single.arm.id}: ${words(whole)}`] : [])]
    const known = values.filter((value) => value !== null)
    if (known.length < values.length || (single && whole === null)) {
      return { name, weight: 'warns', result: 'notChecked', sentence: `${what}: not all engines say how much they have, so that parity is unknown.`, evidence }
    }
    const alike = Math.max(...known) <= Math.min(...known) * (1 + TOLERANCE)
    if (!alike) return { name, weight: 'invalidates', result: 'failed', sentence: `${what}: the engines of ${arm.name} do not have the same.`, evidence }
    if (whole === null) return { name, weight: 'invalidates', result: 'passed', sentence: `${what}: the same in every engine; there is no single engine to compare with.`, evidence }
    const sum = known.reduce((total, value) => total + value, 0)
    const equal = Math.abs(sum - whole) <= TOLERANCE * whole
    if (equal) return { name, weight: 'invalidates', result: 'passed', sentence: `${what}: the same in every engine, and the single engine has their sum.`, evidence }
    const fewer = arm.engines < replicas
    return {
      name, weight: fewer ? 'warns' : 'invalidates', result: 'failed', evidence,
      sentence: fewer ? `${what}: the single engine has the sum of ${replicas} engines, ${arm.name} only has ${arm.engines}.` : `${what}: the single engine does not have the sum of the engines of ${arm.name}.`,
    }
  }
}

/** Cores: as many for each engine, none for two of them, and their sum for the single one. On a machine too small for that nobody is bound, and all share all. */
function coresParity({ arm, cpus }: Pick<ArmCapacity, 'arm' | 'cpus'>, single: ArmCapacity | null, replicas: number): Check {
  const whole = single?.cpus[0] ?? null
  const words = (list: readonly number[] | null) => (list === null ? '—' : `CPUs ${cpuList(list)}`)
  const evidence = [...cpus.map((list, at) => `${arm.id}-${at + 1}: ${words(list)}`), ...(single ? [`${single.arm.id}: ${words(whole)}`] : [])]
  const told = (result: Check['result'], weight: Check['weight'], sentence: string): Check => ({ name: `coresParity/${arm.id}`, weight, result, sentence: `Cores: ${sentence}`, evidence })
  const known = cpus.filter((list) => list !== null)
  if (known.length < cpus.length || (single && whole === null)) return told('notChecked', 'warns', 'which CPUs all engines may use could not be read, so that parity is unknown.')
  const counts = known.map((list) => list.length)
  if (Math.max(...counts) !== Math.min(...counts)) return told('failed', 'invalidates', `the engines of ${arm.name} do not have the same number.`)
  const all = new Set(known.flat())
  const sum = counts.reduce((total, count) => total + count, 0)
  if (known.length > 1 && all.size === counts[0]) {
    const same = whole === null || whole.length === all.size
    return same ? told('passed', 'warns', 'no engine has any of its own: all share the same.') : told('failed', 'invalidates', `all engines of ${arm.name} share the same, and the single engine has others.`)
  }
  if (all.size < sum) return told('failed', 'invalidates', `engines of ${arm.name} share some with each other.`)
  if (whole === null) return told('passed', 'invalidates', 'as many for every engine, and none shared; there is no single engine to compare with.')
  if (whole.length === sum) return told('passed', 'invalidates', 'as many for every engine, none shared, and the single engine has their sum.')
  const fewer = arm.engines < replicas
  return told('failed', fewer ? 'warns' : 'invalidates', `the single engine has ${whole.length}, the engines of ${arm.name} together ${sum}.`)
}

/** Where the tokens of a cache are not said, its size says the same about parity. */
const valueOf = (capacity: Capacity, key: 'kvCacheTokens' | 'maxSequences'): number | null =>
  key === 'maxSequences' ? capacity.maxSequences : (capacity.kvCacheTokens ?? capacity.kvCacheMiB)
