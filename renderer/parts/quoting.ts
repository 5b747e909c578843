// A command as one line for a POSIX shell: what the copy buttons give. Overlap itself runs argv arrays and never such a line.
import type { CommandPreview } from '../../shared/command.ts'

/** Quoted only where the shell would read it otherwise. */
export function quoted(word: string): string {
  if (word !== '' && /^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word
  return `'${word.replaceAll("'", `'\\''`)}'`
}

export function quotedArgv(argv: readonly string[]): string {
  return argv.map(quoted).join(' ')
}

type Runnable = Pick<CommandPreview, 'argv' | 'env' | 'cwd' | 'stdin'>

/** `cd /dir && printf %s 'input' | env A=b program argument` */
export function shellLine({ argv, env, cwd, stdin }: Runnable): string {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`)
  const run = [...(settings.length > 0 ? ['env', ...settings] : []), quotedArgv(argv)].join(' ')
  const fed = stdin === null ? run : `printf %s ${quoted(stdin)} | ${run}`
  return cwd === null ? fed : `cd ${quoted(cwd)} && ${fed}`
}

/** Several commands, one line each, with their reasons as comments. */
export function shellScript(commands: readonly CommandPreview[]): string {
  return commands.map((command) => `# ${command.why.replaceAll('\n', ' ')}\n${shellLine(command)}`).join('\n')
}

/** Words of a typed command line: blanks part, '…' and "…" hold together, \ takes the next as it is. No variables, no globs. null: a quote stays open. */
export function wordsOf(line: string): string[] | null {
  const words: string[] = []
  let word: string | null = null
  let quote: string | null = null
  for (let at = 0; at < line.length; at++) {
    const char = line[at]!
    if (quote === null && /\s/.test(char)) {
      if (word !== null) words.push(word)
      word = null
    } else if (quote === null && (char === "'" || char === '"')) {
      quote = char
      word ??= ''
    } else if (char === quote) quote = null
    else if (char === '\\' && quote !== "'" && at + 1 < line.length) word = (word ?? '') + line[++at]!
    else word = (word ?? '') + char
  }
  if (quote !== null) return null
  return word === null ? words : [...words, word]
}
