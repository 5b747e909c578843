// Sparkline: the recent past of one series, small. Drawn beside React, because it changes with every frame; at most once a second.
import { useEffect, useRef } from 'react'
import { onReadings } from './readings.ts'
import { axisTop, highest, sparkPath, thinned } from './stripColumns.ts'

const HEIGHT = 26
const DRAW_MS = 900

/** `read` should stay the same function between renders. */
export function Sparkline({ read, label, width = 120 }: { read: () => (number | null)[]; label: string; width?: number }) {
  const line = useRef<SVGPathElement>(null)
  useEffect(() => {
    let drawnMs = -Infinity
    return onReadings(() => {
      const nowMs = performance.now()
      if (nowMs - drawnMs < DRAW_MS) return
      drawnMs = nowMs
      const values = thinned(read(), width / 2)
      line.current?.setAttribute('d', sparkPath(values, width, HEIGHT - 2, axisTop(highest(values))))
    })
  }, [read, width])
  return (
    <svg width={width} height={HEIGHT} viewBox={`0 -1 ${width} ${HEIGHT}`} role="img" aria-label={label} className="spark">
      <path d={`M0 ${HEIGHT - 2}H${width}`} stroke="var(--line)" fill="none" />
      <path ref={line} stroke="currentColor" strokeWidth="1.4" fill="none" strokeLinejoin="round" />
    </svg>
  )
}
