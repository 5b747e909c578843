// Readings: numbers that change with every frame are written into the page beside React, all together and about once a second:
// an eye reads no faster, and each write costs a layout.

/** Less than a second, so that a frame that comes a little early is not put off to the next. */
const WRITE_MS = 800
const writers = new Set<() => void>()
let writtenMs = -Infinity
let timer: ReturnType<typeof setTimeout> | null = null

/** Called at once and whenever readings are written; returns how to stop. */
export function onReadings(write: () => void): () => void {
  writers.add(write)
  write()
  return () => void writers.delete(write)
}

/** There is something new: writes it now, or as soon as the pace allows. */
export function writeReadings(): void {
  if (timer !== null || document.hidden) return
  const dueMs = writtenMs + WRITE_MS - performance.now()
  if (dueMs <= 0) writeAll()
  else timer = setTimeout(writeAll, dueMs)
}

function writeAll(): void {
  timer = null
  writtenMs = performance.now()
  for (const write of writers) write()
}
