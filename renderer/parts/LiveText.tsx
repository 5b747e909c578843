// LiveText: a number that changes with every frame, written without a render.
import { useEffect, useRef } from 'react'
import { onReadings, writeText } from './readings.ts'

/** `read` should stay the same function between renders. */
export function LiveText({ read, className }: { read: () => string; className?: string }) {
  const box = useRef<HTMLSpanElement>(null)
  useEffect(() => onReadings(() => {
    if (box.current !== null) writeText(box.current, read())
  }), [read])
  return <span ref={box} className={className} />
}
