// Whether arms have the same resources: the replicas alike, the single engine their sum. Pure.
import type { Arm, Check } from '../../../shared/experiment.ts'
import type { Capacity } from '../engines/capacity.ts'

export interface ArmCapacity {
  arm: Arm
  /** One per engine: what its log said, else what its spec declares. */
  capacities: readonly Capacity[]
}

/** A cache is cut to whole blocks of tokens. */
const TOLERANCE = 0.01

/** For one arm against the single engine (null: the experiment has none). `replicas`: engines of the largest arm, whose sum the single engine has. */
export function parityOf({ arm, capacities }: ArmCapacity, single: ArmCapacity | null, replicas: number): Check[] {
  if (arm.kind === 'single') return []
  return [
    one(`kvParity/${arm.id}`, 'KV cache', 'tokens', 'kvCacheTokens'),
    one(`sequencesParity/${arm.id}`, 'Most sequences at once', '', 'maxSequences'),
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

/** Where the tokens of a cache are not said, its size says the same about parity. */
const valueOf = (capacity: Capacity, key: 'kvCacheTokens' | 'maxSequences'): number | null =>
  key === 'maxSequences' ? capacity.maxSequences : (capacity.kvCacheTokens ?? capacity.kvCacheMiB)
