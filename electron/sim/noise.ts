// Noise that is the same for the same key: nothing here is random, and two programs that look at once see the same.

/** −1..1, the same for the same key. */
export function noise(seed: number, key: string, tick: number): number {
  let hash = (2166136261 ^ seed) >>> 0
  for (const letter of `${key}/${tick}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0
  hash = Math.imul(hash ^ (hash >>> 15), 2246822519) >>> 0
  hash = Math.imul(hash ^ (hash >>> 13), 3266489917) >>> 0
  return (((hash ^ (hash >>> 16)) >>> 0) / 2 ** 31) - 1
}

const ENGINE_EVERY_MS = 7_000
const GPU_EVERY_MS = 90_000

/** Factor on a step's length, 0.98..1.02: the engine's own unrest within a block, and a slow drift of the GPU that all its engines share. */
export function unrest(seed: number, gpu: string, engine: string, nowMs: number): number {
  return 1 + 0.01 * glide(seed, engine, nowMs / ENGINE_EVERY_MS) + 0.01 * glide(seed, gpu, nowMs / GPU_EVERY_MS)
}

/** From one tick's noise to the next without a step. */
function glide(seed: number, key: string, at: number): number {
  const tick = Math.floor(at)
  return noise(seed, key, tick) * (1 - (at - tick)) + noise(seed, key, tick + 1) * (at - tick)
}
