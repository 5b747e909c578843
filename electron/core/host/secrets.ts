// What must not be shown: tokens, passwords and keys, known by the name they stand under, by their form, or by having been seen.

export const MASK = '••••'
/** Shorter values are words that would be masked all over (`true`, `4096`). */
const SHORTEST_KNOWN = 8
const MOST_KNOWN = 1000

const SECRET_WORDS = new Set(['TOKEN', 'SECRET', 'PASSWORD', 'PASSWD', 'PASSPHRASE', 'APIKEY', 'CREDENTIAL', 'CREDENTIALS', 'AUTHORIZATION'])
/** HF_TOKEN_PATH names a file, not a token. */
const HARMLESS_ENDS = new Set(['PATH', 'FILE', 'DIR', 'DIRECTORY', 'LIMIT', 'COUNT'])

/** For variables, options (`--api-key`) and fields (`apiKey`). TOKENIZERS_PARALLELISM and max-tokens are none. */
export function isSecretName(name: string): boolean {
  const words = name.replace(/^-+/, '').replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase().split(/[-_.]/)
  const last = words.at(-1) ?? ''
  if (HARMLESS_ENDS.has(last)) return false
  return words.some((word) => SECRET_WORDS.has(word)) || (last === 'KEY' && words.length > 1)
}

const FORMS: [RegExp, string][] = [
  [/\b(Bearer|Basic)\s+[^\s"',;]+/gi, `$1 ${MASK}`],
  [/\b(?:hf_[A-Za-z0-9]{8,}|sk-[A-Za-z0-9_-]{16,}|nvapi-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{16,})/g, MASK],
  [/(\b[a-z][a-z0-9+.-]{0,15}:\/\/[^\s:@/]{0,255}):[^\s@/]+@/gi, `$1:${MASK}@`],
]
const SECRET_HEADER = /^((?:proxy-)?authorization|cookie|x-api-key|[\w-]*token)(\s*:\s*).+/is
const HEADER_OPTIONS = new Set(['-H', '--header'])
const SHORT_SECRET_OPTIONS = new Set(['-hft'])

export class Secrets {
  #known = new Set<string>()

  /** Remembers a value that is masked wherever it turns up. */
  add(value: string): void {
    if (value.length < SHORTEST_KNOWN) return
    this.#known.add(value)
    if (this.#known.size > MOST_KNOWN) for (const oldest of this.#known) return void this.#known.delete(oldest)
  }

  /** Remembers the values that stand under secret names. */
  addFrom(env: Readonly<Record<string, string | null | undefined>>): void {
    for (const [name, value] of Object.entries(env)) if (value && isSecretName(name)) this.add(value)
  }

  env(env: Readonly<Record<string, string | null>>): Record<string, string> {
    this.addFrom(env)
    const shown = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== null)
    return Object.fromEntries(shown.map(([name, value]) => [name, isSecretName(name) && value !== '' ? MASK : this.text(value)]))
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
      const header = from === 'header' ? SECRET_HEADER.exec(argument) : null
      from = secretsAfter(argument)
      if (header) return `${header[1]}${header[2]}${MASK}`
      return this.text(argument)
    })
  }

  /** Any text: assignments, forms and known values masked. Linear in its length: names are bounded and begin at a word's start. */
  text(text: string): string {
    let shown = text.replace(/(?<![A-Za-z0-9_.-])([A-Za-z_-][A-Za-z0-9_.-]{0,63})=("[^"]*"|'[^']*'|[^\s,;"']+)/g, (whole, name: string, value: string) => {
      if (!isSecretName(name)) return whole
      this.add(value.replace(/^["']|["']$/g, ''))
      return `${name}=${MASK}`
    })
    for (const [form, replacement] of FORMS) shown = shown.replace(form, replacement)
    for (const value of this.#known) shown = shown.replaceAll(value, MASK)
    return shown
  }
}

/** Whether what follows this argument is a secret; vLLM's --api-key takes several values. */
function secretsAfter(argument: string): 'option' | 'options' | 'header' | null {
  if (HEADER_OPTIONS.has(argument)) return 'header'
  if (SHORT_SECRET_OPTIONS.has(argument)) return 'option'
  if (!argument.startsWith('--') || argument.includes('=') || !isSecretName(argument)) return null
  return /api-?key/i.test(argument) ? 'options' : 'option'
}
