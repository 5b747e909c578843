// keepEqual: what is heard again and again, mostly unchanged, keeps its identity: then nothing is drawn again for it. Pure.

/** `now`, which is its to change, with every part that equals the same part of `before` replaced by that part. For values as JSON has them. */
export function keepEqual<Value>(before: unknown, now: Value): Value {
  if (Object.is(before, now)) return now
  if (typeof before !== 'object' || typeof now !== 'object' || before === null || now === null || Array.isArray(before) !== Array.isArray(now)) return now
  const same = Array.isArray(now) ? keepItems(before as unknown[], now) : keepNamed(before as Record<string, unknown>, now as Record<string, unknown>)
  return same ? (before as Value) : now
}

function keepItems(old: unknown[], news: unknown[]): boolean {
  let same = old.length === news.length
  for (let at = 0; at < news.length; at++) {
    const kept = keepEqual(old[at], news[at])
    if (!Object.is(kept, old[at])) same = false
    else if (at < old.length) news[at] = kept
  }
  return same
}

/** Names are walked, not listed: with every item of 64 engines thousands of lists would be made. */
function keepNamed(old: Record<string, unknown>, news: Record<string, unknown>): boolean {
  let more = 0
  let same = true
  for (const name in news) {
    more++
    const was = old[name]
    const kept = keepEqual(was, news[name])
    if (!Object.is(kept, was) || (was === undefined && !(name in old))) same = false
    else if (typeof was === 'object') news[name] = was
  }
  for (const _name in old) more--
  return same && more === 0
}
