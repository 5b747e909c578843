// The present second on the core's clock, for ages. One timer for the whole page, running only while something shows an age.
import { useSyncExternalStore } from 'react'

const readers = new Set<() => void>()
/** Page clock minus core clock, at most the shortest delivery seen. The core may be another machine, behind a tunnel. */
let skewMs: number | null = null
let nowMs = coreNowMs()
let timer: ReturnType<typeof setInterval> | null = null

/** Learns the core's clock from something that it stamped just now. */
export function noteCoreTime(atMs: number): void {
  const seen = Date.now() - atMs
  if (skewMs === null || seen < skewMs) skewMs = seen
}

/** Epoch ms, as the core would read it now. */
export function coreNowMs(): number {
  return Date.now() - (skewMs ?? 0)
}

function subscribe(reader: () => void): () => void {
  readers.add(reader)
  timer ??= setInterval(() => {
    nowMs = coreNowMs()
    for (const each of readers) each()
  }, 1000)
  return () => {
    readers.delete(reader)
    if (readers.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }
}

/** Epoch ms on this page's own clock, renewed once a second: for what the page itself stamped. */
export function usePageNowMs(): number {
  return useNowMs() + (skewMs ?? 0)
}

/** Epoch ms on the core's clock, renewed once a second. */
export function useNowMs(): number {
  return useSyncExternalStore(subscribe, () => nowMs)
}

/** What `read` gives at the present second; draws again only when that changes. For text that is nearly always the same. */
export function useBySecond<Text extends string | number | boolean | null>(read: (nowMs: number) => Text): Text {
  return useSyncExternalStore(subscribe, () => read(nowMs))
}
