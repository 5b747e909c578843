// What a command's environment adds to the login environment, and the whole of it. Pure.

/** A list like PATH that holds all of the inherited one: what stands before and after it. null: another value, to be read whole. */
export function aroundInherited(name: string, value: string, inherited: Readonly<Record<string, string>>): { before: string; after: string } | null {
  const old = inherited[name]
  if (old === undefined || !old.includes(':') || value === old) return null
  const at = `:${value}:`.indexOf(`:${old}:`)
  return at < 0 ? null : { before: value.slice(0, at), after: value.slice(at + old.length) }
}

interface Variable {
  name: string
  value: string
  /** Set by the command, over or beside what it inherits. */
  set: boolean
}

/** By name. */
export function wholeEnvironment(env: Readonly<Record<string, string>>, inherited: Readonly<Record<string, string>>): Variable[] {
  return Object.entries({ ...inherited, ...env }).map(([name, value]) => ({ name, value, set: name in env })).sort((a, b) => (a.name < b.name ? -1 : 1))
}
