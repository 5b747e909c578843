// Sparkline: the last minute of one series, small. Drawn beside React, because it changes with every frame.
import { useEffect, useRef } from 'react'
import { useGpus } from '../state/gpus.ts'
import { track } from '../state/track.ts'
import { axisTop, sparkPath } from './stripColumns.ts'

const WIDTH = 120
const HEIGHT = 26

export function Sparkline({ series, label }: { series: string; label: string }) {
  const line = useRef<SVGPathElement>(null)
  useEffect(() => {
    const draw = () => {
      const from = (track.newestMs ?? 0) - 60_000
      const values = track.read([series], from).series[0]!.max
      const top = axisTop(values.reduce<number | null>((high, value) => (value !== null && (high === null || value > high) ? value : high), null))
      line.current?.setAttribute('d', sparkPath(values, WIDTH, HEIGHT - 2, top))
    }
    draw()
    return useGpus.subscribe(draw)
  }, [series])
  return (
    <svg width={WIDTH} height={HEIGHT} viewBox={`0 -1 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label} style={{ color: 'var(--engine)', flex: 'none' }}>
      <path d={`M0 ${HEIGHT - 2}H${WIDTH}`} stroke="var(--line)" fill="none" />
      <path ref={line} stroke="currentColor" strokeWidth="1.4" fill="none" strokeLinejoin="round" />
    </svg>
  )
}
