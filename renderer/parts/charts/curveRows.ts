// Rows for a chart of curves: every x once, ascending, with what each curve has there. Pure.
import type { Curve } from './Curves.tsx'

/** `<id>`: the value of that curve; left out where it has no point. */
export interface CurveRow { x: number; [id: string]: number }

export function joined(curves: readonly Curve[]): CurveRow[] {
  const rows = new Map<number, CurveRow>()
  for (const { id, points } of curves) {
    for (const { x, y } of points) {
      const row: CurveRow = rows.get(x) ?? { x }
      row[id] = y
      rows.set(x, row)
    }
  }
  return [...rows.values()].sort((a, b) => a.x - b.x)
}

/** Of measured places, at most nine that stand apart on a logarithmic axis: first and last always. */
export function logTicks(xs: readonly number[]): number[] {
  const [first, last] = [xs[0] ?? 1, xs.at(-1) ?? 1]
  const apart = Math.max(Math.log(last / first) / 9, Math.log(1.3))
  const kept: number[] = []
  for (const x of xs) if (kept.length === 0 || Math.log(x / kept.at(-1)!) >= apart * 0.99) kept.push(x)
  if (kept.at(-1) !== last) kept[Math.max(kept.length > 1 && Math.log(last / kept.at(-1)!) < apart ? kept.length - 1 : kept.length, 1)] = last
  return kept
}
