// keepEqual: what is heard again and again, mostly unchanged, keeps its identity: then nothing is drawn again for it. Pure.

/** `now`, which is its to change, with every part that equals the same part of `before` replaced by that part. For values as JSON has them. */
export function keepEqual<Value>(before: unknown, now: Value): Value {
  if (Object.is(before, now)) return now
  if (typeof before !== 'object' || typeof now !== 'object' || before === null || now === null || Array.isArray(before) !== Array.isArray(now)) return now
  const old = before as Record<string, unknown>
  const news = now as Record<string, unknown>
  const names = Object.keys(news)
  let same = names.length === Object.keys(old).length
  for (const name of names) {
    const kept = keepEqual(old[name], news[name])
    if (!(name in old) || !Object.is(kept, old[name])) same = false
    news[name] = kept
  }
  return same ? (before as Value) : now
}
