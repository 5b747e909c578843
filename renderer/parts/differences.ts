// Where two commands differ: words, variables, folder. Order does not count, a flag and its values go together. Pure.
import type { CommandPreview } from '../../shared/command.ts'

type Compared = Pick<CommandPreview, 'argv' | 'env' | 'cwd'>

export interface Differences {
  /** For each word of argv: the other command does not have it. */
  words: boolean[]
  variables: ReadonlySet<string>
  cwd: boolean
}

/** Of `command`, seen from `other`. */
export function differencesFrom(command: Compared, other: Compared): Differences {
  const left = unitsOf(other.argv).map(spelt)
  const words = unitsOf(command.argv).flatMap((unit) => {
    const at = left.indexOf(spelt(unit))
    if (at >= 0) left.splice(at, 1)
    return unit.map(() => at < 0)
  })
  return { words, variables: new Set(Object.keys(command.env).filter((name) => command.env[name] !== other.env[name])), cwd: command.cwd !== other.cwd }
}

/** `--port=8000` says what `--port 8000` does. */
const spelt = (unit: string[]): string => unit.join(' ').replace(/^(--[\w-]+)=/, '$1 ')

/** A flag with the words after it; words before every flag stand alone. */
function unitsOf(argv: readonly string[]): string[][] {
  const units: string[][] = []
  let inFlag = false
  for (const word of argv) {
    if (word.startsWith('-')) inFlag = true
    if (inFlag && !word.startsWith('-')) units.at(-1)!.push(word)
    else units.push([word])
  }
  return units
}
