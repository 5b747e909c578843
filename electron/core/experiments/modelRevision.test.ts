import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { EngineSpec } from '../../../shared/engine.ts'
import { modelRevision, type Engine } from './modelRevision.ts'

const home = mkdtempSync(join(tmpdir(), 'overlap-hub-'))
afterAll(() => rmSync(home, { recursive: true, force: true }))
const put = (path: string, text: string) => {
  mkdirSync(dirname(join(home, path)), { recursive: true })
  writeFileSync(join(home, path), text)
}
const [MAIN, OTHER] = ['a'.repeat(40), 'b'.repeat(40)]
put('hub/models--Qwen--Qwen2.5-0.5B/refs/main', `${MAIN}\n`)
put('hub/models--Qwen--Qwen2.5-0.5B/refs/v2', OTHER)
put('hub/models--Qwen--Broken/refs/main', 'not a hash')
put('small.gguf', 'GGUF')
utimesSync(join(home, 'small.gguf'), new Date('2026-02-03T09:00:00Z'), new Date('2026-02-03T09:00:00Z'))

const vllm = (model: string, more: string[] = [], lines: string[] = []): Engine => ({ spec: { recipe: 'vllm', model } as EngineSpec, argv: ['vllm', 'serve', model, ...more], lines, env: { HF_HOME: home }, cwd: null })
const llama = (modelPath: string): Engine => ({ spec: { recipe: 'llamaServer', modelPath } as EngineSpec, argv: ['llama-server', '-m', modelPath], lines: [], env: {}, cwd: home })

it.each<[string, Engine, string | null]>([
  ['a snapshot in the path', vllm(`${home}/hub/models--Qwen--Qwen2.5-0.5B/snapshots/${OTHER}`), `${OTHER} (snapshot in its path)`],
  ['a name of the hub', vllm('Qwen/Qwen2.5-0.5B'), `${MAIN} (main in the cache of the hub)`],
  ['a revision by name', vllm('Qwen/Qwen2.5-0.5B', ['--revision', 'v2']), `${OTHER} (v2 in the cache of the hub)`],
  ['a revision by hash', vllm('Qwen/Elsewhere', [`--revision=${OTHER}`]), OTHER],
  ['a revision that the cache does not hold', vllm('Qwen/Elsewhere', ['--revision', 'v3']), 'v3'],
  ['what the engine says', vllm('Qwen/Qwen2.5-0.5B', [], ["config: model='Qwen/Qwen2.5-0.5B', tokenizer_revision=None, revision='v2', trust_remote_code=False"]), `${OTHER} (v2 in the cache of the hub)`],
  ['what the engine does not say', vllm('Qwen/Elsewhere', [], ['config: revision=None, tokenizer_revision=main']), null],
  ['a cache that holds no hash', vllm('Qwen/Broken'), null],
  ['a folder', vllm('/models/mine'), null],
  ['a file of weights', llama('small.gguf'), 'small.gguf, 4 bytes, changed 2026-02-03T09:00:00Z'],
  ['a file that is not there', llama('/nowhere/small.gguf'), null],
])('%s', async (_, engine, revision) => expect(await modelRevision(engine)).toBe(revision))
