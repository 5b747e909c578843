// LogView: lines of a log that follows its end while the reader is at the end, and stays put while they are not.
import { useLayoutEffect, useRef } from 'react'

export function LogView({ lines, label, empty, height }: { lines: readonly string[]; label: string; empty: string; height: number | string }) {
  const box = useRef<HTMLPreElement>(null)
  const following = useRef(true)
  useLayoutEffect(() => {
    const element = box.current
    if (element !== null && following.current) element.scrollTop = element.scrollHeight
  })
  const onScroll = () => {
    const element = box.current
    if (element !== null) following.current = element.scrollHeight - element.scrollTop - element.clientHeight < 24
  }
  return (
    <pre ref={box} className="logView" role="log" aria-label={label} tabIndex={0} style={{ height }} onScroll={onScroll}>
      {lines.length === 0 ? <span className="dim">{empty}</span> : lines.join('\n')}
    </pre>
  )
}
