// Which revision of its model an engine serves: as it says itself, as its command says, as the files on this machine say. Reads; never guesses.
import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { EngineSpec } from '../../../shared/engine.ts'
import { modelOf } from '../engines/capacity.ts'
import { argumentAfter } from '../engines/recipes/recipe.ts'

export interface Engine {
  spec: EngineSpec
  /** Its command as it was started. */
  argv: readonly string[]
  /** Of its log since this start. */
  lines: readonly string[]
  /** What it finds its models by. */
  env: Readonly<Record<string, string | undefined>>
  cwd: string | null
}

/** `models--org--name/snapshots/<hash>`, as the cache of the Hugging Face hub names its folders. */
const SNAPSHOT = /models--[^/]+\/snapshots\/([0-9a-f]{7,64})(?:\/|$)/
const HASH = /^[0-9a-f]{40}$/
const HUB_NAME = /^[\w.-]+\/[\w.-]+$/

/** Null: nothing tells it. Says where it is from, because a name such as `main` may mean something else tomorrow. */
export async function modelRevision(engine: Engine): Promise<string | null> {
  const { spec, argv, lines, env } = engine
  const model = spec.recipe === 'llamaServer' ? spec.modelPath : (modelOf(spec) ?? argumentAfter(argv, ['-m']))
  if (model === null) return null
  const snapshot = SNAPSHOT.exec(model)?.[1]
  if (snapshot !== undefined) return `${snapshot} (snapshot in its path)`
  if (model.endsWith('.gguf')) return ggufFile(isAbsolute(model) ? model : join(engine.cwd ?? homedir(), model))
  const named = saidRevision(lines) ?? argumentAfter(argv, ['--revision'])
  if (named !== null && HASH.test(named)) return named
  const held = HUB_NAME.test(model) ? await heldRevision(model, named ?? 'main', env) : null
  if (held !== null) return `${held} (${named ?? 'main'} in the cache of the hub)`
  return named
}

/** vLLM writes its whole configuration when it starts; `tokenizer_revision` is another thing. */
function saidRevision(lines: readonly string[]): string | null {
  const said = /(?<![\w])revision='?([\w./-]+)/.exec(lines.findLast((line) => /(?<![\w])revision=/.test(line)) ?? '')?.[1]
  return said === undefined || said === 'None' ? null : said
}

/** What the engine downloads to, and reads from. */
async function heldRevision(model: string, name: string, env: Engine['env']): Promise<string | null> {
  const cache = env['HF_HUB_CACHE'] ?? env['HUGGINGFACE_HUB_CACHE'] ?? join(env['HF_HOME'] ?? join(env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? homedir(), '.cache'), 'huggingface'), 'hub')
  const held = await readFile(join(cache, `models--${model.replace('/', '--')}`, 'refs', name), 'utf8').catch(() => null)
  return held !== null && HASH.test(held.trim()) ? held.trim() : null
}

/** A file has no revision: its size and the time of its last change tell it from another of the same name. */
async function ggufFile(path: string): Promise<string | null> {
  const file = await stat(path).catch(() => null)
  return file === null ? null : `${path.split('/').at(-1)}, ${file.size.toLocaleString('en-US')} bytes, changed ${file.mtime.toISOString().slice(0, 19)}Z`
}
