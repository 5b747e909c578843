// LiveText: a number that changes with every frame, written without a render.
import { useEffect, useRef } from 'react'
import { onReadings } from './readings.ts'

/** `read` should stay the same function between renders. */
export function LiveText({ read, className }: { read: () => string; className?: string }) {
  const box = useRef<HTMLSpanElement>(null)
  useEffect(() => onReadings(() => {
    const text = read()
    if (box.current !== null && box.current.textContent !== text) box.current.textContent = text
  }), [read])
  return <span ref={box} className={className} />
}
