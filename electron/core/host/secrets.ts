// What must not be shown: tokens, passwords and keys, known by the name they stand under, by their form, or by having been seen.

export const MASK = '••••'
/** Shorter values are words that would be masked all over (`true`, `4096`). */
const SHORTEST_KNOWN = 8
const MOST_KNOWN = 1000

/** As a word of a name, or as the end of one: PGPASSWORD, authtoken. */
const SECRET_WORD = /(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|APIKEY|CREDENTIALS?|AUTHORIZATION|COOKIE)$/
/** Whoever has the address of a webhook may write there. */
const SECRET_ALONE = new Set(['JWT', 'WEBHOOK'])
/** Only as the last of several words: PWD and KEY alone are no secrets. */
const SECRET_LAST = new Set(['KEY', 'PASS', 'PWD', 'PAT', 'AUTH'])
/** HF_TOKEN_PATH names a file, not a token. */
const HARMLESS_ENDS = new Set(['PATH', 'FILE', 'DIR', 'DIRECTORY', 'LIMIT', 'COUNT', 'ID'])

const wordsOf = (name: string): string[] => name.replace(/^-+/, '').replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase().split(/[-_.]/)

/** For variables, options (`--api-key`) and fields (`apiKey`). TOKENIZERS_PARALLELISM and max-tokens are none. */
export function isSecretName(name: string): boolean {
  const words = wordsOf(name)
  const last = words.at(-1) ?? ''
  if (HARMLESS_ENDS.has(last)) return false
  return words.some((word) => SECRET_WORD.test(word) || SECRET_ALONE.has(word)) || (SECRET_LAST.has(last) && words.length > 1)
}

const FORMS: [RegExp, string][] = [
  [/\b(Bearer|Basic)\s+[^\s"',;]+/gi, `$1 ${MASK}`],
  [/\b(?:hf_[A-Za-z0-9]{8,}|sk-[A-Za-z0-9_-]{16,}|nvapi-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,}|glpat-[A-Za-z0-9_-]{16,})/g, MASK],
  [/(\b[a-z][a-z0-9+.-]{0,15}:\/\/[^\s:@/"']{0,255}):[^\s@"']{1,255}@/gi, `$1:${MASK}@`],
  [/(\bhttps?:\/\/)[^\s:@/"']{16,255}@/gi, `$1${MASK}@`], // a token in place of the user
  [/([?&](?:key|sig|signature|auth)=)[^\s&"'#]+/gi, `$1${MASK}`],
]

/** A name and what may stand between it and its value: `a=`, `"a":`, `a:`, `--a `. Bounded, so that it is linear in the text. */
const NAMED = /(?<![A-Za-z0-9_.-])(["']?)([A-Za-z_-][A-Za-z0-9_.-]{0,63})\1(=|[ \t]{0,4}:[ \t]{0,4}|[ \t]{1,4})/g
/** Quoted (also where the end is cut off), a list, or a word. */
const VALUE = /"[^"]*"?|'[^']*'?|\[[^\]]*\]?|[^\s,;"']+/y
/** Of a header: the rest of its line; the scheme of an authorization is none. */
const HEADER_VALUE = /(?:(?:Bearer|Basic|Token)[ \t]+)?([^\r\n"']+)/y
const WHOLE_LINE = /(?:authorization|cookie)$/i
const HEADER_OPTIONS = new Set(['-H', '--header'])
const SHORT_SECRET_OPTIONS = new Set(['-hft'])

export class Secrets {
  #known = new Set<string>()
  /** The known ones, longest first: one may be part of another. */
  #ordered: string[] | null = null

  /** Remembers a value that is masked wherever it turns up. */
  add(value: string): void {
    if (value.length < SHORTEST_KNOWN || value === MASK || this.#known.has(value)) return
    this.#known.add(value)
    this.#ordered = null
    if (this.#known.size > MOST_KNOWN) for (const oldest of this.#known) return void this.#known.delete(oldest)
  }

  /** Remembers the values that stand under secret names. */
  addFrom(env: Readonly<Record<string, string | undefined>>): void {
    for (const [name, value] of Object.entries(env)) if (value && isSecretName(name)) this.add(value)
  }

  env(env: Readonly<Record<string, string>>): Record<string, string> {
    this.addFrom(env)
    return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, isSecretName(name) && value !== '' ? MASK : this.text(value)]))
  }

  argv(argv: readonly string[]): string[] {
    let from: 'option' | 'options' | 'header' | null = null
    return argv.map((argument) => {
      const isOption = argument.startsWith('-')
      if ((from === 'option' || from === 'options') && !isOption) {
        if (from === 'option') from = null
        this.add(argument)
        return MASK
      }
      const header = from === 'header' ? /^([\w-]+)(\s*:\s*)(.+)/s.exec(argument) : null
      from = secretsAfter(argument)
      if (header !== null && isSecretName(header[1] ?? '')) return `${header[1]}${header[2]}${MASK}`
      return this.text(argument)
    })
  }

  /** Any text: named values, forms and known values masked. */
  text(text: string): string {
    let shown = this.#namedValues(text)
    for (const [form, replacement] of FORMS) shown = shown.replace(form, replacement)
    this.#ordered ??= [...this.#known].sort((a, b) => b.length - a.length)
    for (const value of this.#ordered) shown = shown.replaceAll(value, MASK)
    return shown
  }

  #namedValues(text: string): string {
    let shown = ''
    let from = 0
    NAMED.lastIndex = 0
    for (let match = NAMED.exec(text); match !== null; match = NAMED.exec(text)) {
      const [, quote = '', name = '', between = ''] = match
      if (!isSecretName(name) || !belongs(quote, name, between)) continue
      const at = NAMED.lastIndex
      const isHeader = between.includes(':') && WHOLE_LINE.test(name)
      const pattern = isHeader ? HEADER_VALUE : VALUE
      pattern.lastIndex = at
      const found = pattern.exec(text)
      if (found === null || (between !== '=' && found[0].startsWith('-'))) continue
      const value = isHeader ? (found[1] ?? '') : found[0]
      for (const each of value.startsWith('[') ? value.slice(1, -1).split(',') : [value]) this.add(each.trim().replace(/^["']|["']$/g, ''))
      shown += text.slice(from, at + found[0].length - value.length) + MASK
      from = NAMED.lastIndex = at + found[0].length
    }
    return shown + text.slice(from)
  }
}

/** Whether these are a name and its value, and not two words of a sentence: `eos token: 2`. */
function belongs(quote: string, name: string, between: string): boolean {
  if (between === '=') return true
  if (!between.includes(':')) return name.startsWith('-')
  return quote !== '' || wordsOf(name).length > 1 || /^-|(?:password|authorization|cookie)$/i.test(name)
}

/** Whether what follows this argument is a secret; vLLM's --api-key takes several values. */
function secretsAfter(argument: string): 'option' | 'options' | 'header' | null {
  if (HEADER_OPTIONS.has(argument)) return 'header'
  if (SHORT_SECRET_OPTIONS.has(argument)) return 'option'
  if (!argument.startsWith('--') || !/^[\w.-]+$/.test(argument) || !isSecretName(argument)) return null
  return /api-?key/i.test(argument) ? 'options' : 'option'
}
