// Numbers as people read them. Unknown is null and reads "—"; a unit is part of the name of every value, never guessed here.

export const UNKNOWN = '—'

/** Kept per number of digits: toLocaleString makes one each time, which is the dearest thing a live page can do. */
const formats = new Map<number, Intl.NumberFormat>()

export function fixed(value: number | null, digits = 0): string {
  if (value === null || !Number.isFinite(value)) return UNKNOWN
  let format = formats.get(digits)
  if (format === undefined) formats.set(digits, (format = new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })))
  return format.format(value)
}

/** Whole percent. */
export function percent(value: number | null): string {
  return value === null ? UNKNOWN : `${fixed(value)} %`
}

/** MiB as GiB, below 100 GiB with one digit; nvidia-smi's MiB are 1024² bytes. */
export function gibibytes(mebibytes: number | null): string {
  if (mebibytes === null) return UNKNOWN
  const value = mebibytes / 1024
  return `${fixed(value, value < 100 ? 1 : 0)} GiB`
}

export function watts(value: number | null): string {
  return value === null ? UNKNOWN : `${fixed(value)} W`
}

/** Two digits below 10, one below 100, none above: 7.42, 74.2, 742, 7,420; and nothing is 0. */
export function rate(value: number | null): string {
  if (value === null) return UNKNOWN
  return fixed(value, value === 0 ? 0 : value < 10 ? 2 : value < 100 ? 1 : 0)
}

/** A duration as one or two units, the second left out where it is 0: 0.4 s, 12 s, 3 min 20 s, 10 min, 2 h 5 min, 3 d 4 h. */
export function duration(milliseconds: number | null): string {
  if (milliseconds === null) return UNKNOWN
  const seconds = Math.max(0, milliseconds) / 1000
  if (seconds < 9.95) return `${fixed(seconds, 1)} s`
  if (seconds < 60) return `${Math.floor(Math.max(10, seconds))} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return twoUnits(minutes, 'min', Math.floor(seconds % 60), 's')
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? twoUnits(hours, 'h', minutes % 60, 'min') : twoUnits(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

const twoUnits = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`

/** Local wall-clock time of an epoch value, to the second. */
export function clockTime(atMs: number | null): string {
  if (atMs === null) return UNKNOWN
  return new Date(atMs).toLocaleTimeString('en-GB')
}

const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })

/** Clock time; of another day than that of `nowMs` with the day in front: 28 Nov 12:03:04. */
export function dayAndTime(atMs: number, nowMs: number): string {
  const at = new Date(atMs)
  const day = at.toDateString() === new Date(nowMs).toDateString() ? '' : `${DAY.format(at)} `
  return `${day}${clockTime(atMs)}`
}
