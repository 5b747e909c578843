// Readings: numbers that change with every frame are written into the page beside React, all together and about once a second:
// an eye reads no faster, and each write costs a layout.

/** Less than a second, so that a frame that comes a little early is not put off to the next. */
const WRITE_MS = 800
/** News that come faster than readings are written come about so often. */
const NEWS_MS = 150
const writers = new Set<() => void>()
let writtenMs = -Infinity
let timer: ReturnType<typeof setTimeout> | null = null

/** Called at once and whenever readings are written; returns how to stop. */
export function onReadings(write: () => void): () => void {
  writers.add(write)
  write()
  return () => void writers.delete(write)
}

/** Whether it was another text. Written into the text node that is there: a new one in its place would be styled and laid out from nothing. */
export function writeText(box: HTMLElement, text: string): boolean {
  const node = box.firstChild
  if ((node?.nodeValue ?? '') === text) return false
  if (node === null) box.textContent = text
  else node.nodeValue = text
  return true
}

/** There is something new: writes it now, or as soon as the pace allows. With the next news where these come soon: a picture of strips is then made for both. */
export function writeReadings(): void {
  if (document.hidden) return
  const dueMs = writtenMs + WRITE_MS - performance.now()
  if (dueMs <= 0) writeAll()
  else timer ??= setTimeout(writeAll, dueMs + NEWS_MS)
}

function writeAll(): void {
  if (timer !== null) clearTimeout(timer)
  timer = null
  writtenMs = performance.now()
  for (const write of writers) write()
}
