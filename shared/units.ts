// Numbers as people read them. Unknown is null and reads "—"; a unit is part of the name of every value, never guessed here.

export const UNKNOWN = '—'

export function fixed(value: number | null, digits = 0): string {
  if (value === null || !Number.isFinite(value)) return UNKNOWN
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** Whole percent. */
export function percent(value: number | null): string {
  return value === null ? UNKNOWN : `${fixed(value)} %`
}

/** MiB below 10 GiB as GiB with one digit, above as whole GiB; nvidia-smi's MiB are 1024² bytes. */
export function gibibytes(mebibytes: number | null): string {
  if (mebibytes === null) return UNKNOWN
  const value = mebibytes / 1024
  return `${fixed(value, value < 100 ? 1 : 0)} GiB`
}

export function watts(value: number | null): string {
  return value === null ? UNKNOWN : `${fixed(value)} W`
}

/** Three significant places at most: 7.42, 74.2, 742, 7,420. */
export function rate(value: number | null): string {
  if (value === null) return UNKNOWN
  return fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0)
}

/** A duration as one or two units: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min. */
export function duration(milliseconds: number | null): string {
  if (milliseconds === null) return UNKNOWN
  const seconds = Math.max(0, milliseconds) / 1000
  if (seconds < 10) return `${fixed(seconds, 1)} s`
  if (seconds < 60) return `${fixed(Math.floor(seconds))} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Local wall-clock time of an epoch value, to the second. */
export function clockTime(atMs: number | null): string {
  if (atMs === null) return UNKNOWN
  return new Date(atMs).toLocaleTimeString('en-GB')
}
