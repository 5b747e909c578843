// Sparkline: the recent past of one series, small. Drawn beside React, because it changes with every frame.
import { useEffect, useRef } from 'react'
import { axisTop, sparkPath } from './stripColumns.ts'

const WIDTH = 120
const HEIGHT = 26

/** `subscribe` calls back whenever `read` has something new. Both should stay the same functions between renders. */
export function Sparkline({ read, subscribe, label }: { read: () => (number | null)[]; subscribe: (redraw: () => void) => () => void; label: string }) {
  const line = useRef<SVGPathElement>(null)
  useEffect(() => {
    const draw = () => {
      const values = read()
      const known = values.filter((value) => value !== null)
      line.current?.setAttribute('d', sparkPath(values, WIDTH, HEIGHT - 2, axisTop(known.length === 0 ? null : Math.max(...known))))
    }
    draw()
    return subscribe(draw)
  }, [read, subscribe])
  return (
    <svg width={WIDTH} height={HEIGHT} viewBox={`0 -1 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label} style={{ color: 'var(--engine)', flex: 'none' }}>
      <path d={`M0 ${HEIGHT - 2}H${WIDTH}`} stroke="var(--line)" fill="none" />
      <path ref={line} stroke="currentColor" strokeWidth="1.4" fill="none" strokeLinejoin="round" />
    </svg>
  )
}
