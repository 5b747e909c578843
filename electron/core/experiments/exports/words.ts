// Small pieces of text that several sections of an export share.
import { duration, fixed, rate, UNKNOWN } from '../../../../shared/units.ts'
import type { Interval } from '../../../../shared/interval.ts'
import type { Arrivals, Lengths } from '../../../../shared/load.ts'
import type { Arm } from '../../../../shared/experiment.ts'

/** In UTC, so that two readers read the same. */
export const dayAndTime = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`

export const tookText = (elapsedMs: number): string => `took ${duration(elapsedMs)}`

export const milliseconds = (value: number | null): string => (value === null ? UNKNOWN : `${fixed(value, value < 100 ? 1 : 0)} ms`)

/** `9,104 (8,990 … 9,218)` */
export function withInterval(interval: Interval | null): string {
  if (interval === null) return UNKNOWN
  return interval.low === null || interval.high === null ? rate(interval.mean) : `${rate(interval.mean)} (${rate(interval.low)} … ${rate(interval.high)})`
}

export function lengthsText(lengths: Lengths): string {
  if (lengths.shape === 'fixed') return `${fixed(lengths.tokens)} tokens`
  if (lengths.shape === 'uniform') return `${fixed(lengths.min)} to ${fixed(lengths.max)} tokens, uniform`
  return `${fixed(lengths.mean)} ± ${fixed(lengths.stdev)} tokens, normal, within ${fixed(lengths.min)} to ${fixed(lengths.max)}`
}

export function arrivalsText(arrivals: Arrivals): string {
  if (arrivals.kind === 'closed') return `closed loop, ${fixed(arrivals.concurrency)} requests at a time`
  const bursts = arrivals.kind === 'bursty' ? `, burstiness ${arrivals.burstiness}` : ''
  return `open loop, ${arrivals.kind}, ${rate(arrivals.perSecond)} requests/s${bursts}`
}

export const KINDS: Record<Arm['kind'], string> = { single: 'one engine with the resources of all replicas together', timeSliced: 'without MPS: the GPU is time-sliced', mps: 'clients of one MPS server' }

/** What sets an arm apart, besides its kind and number of engines. */
export function settingsText(arm: Arm): string {
  const parts = [
    arm.sharePercent === null ? [] : `SM share ${arm.sharePercent.join(', ')} %`, arm.pinnedMemoryLimitMiB === null ? [] : `pinned memory limit ${fixed(arm.pinnedMemoryLimitMiB)} MiB`,
    arm.clientPriority === null ? [] : `client priority ${arm.clientPriority.join(', ')}`, arm.asyncScheduling === null ? [] : `asynchronous scheduling ${arm.asyncScheduling ? 'on' : 'off'}`,
    arm.extraArguments.length === 0 ? [] : arm.extraArguments.join(' '),
  ].flat()
  return parts.length === 0 ? UNKNOWN : parts.join('; ')
}

/** A command as it would be typed. */
export const commandText = (argv: readonly string[]): string => argv.map((argument) => (/^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`)).join(' ')
