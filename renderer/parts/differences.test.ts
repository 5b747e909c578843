import { expect, it } from 'vitest'
import { differencesFrom } from './differences.ts'

const command = (line: string, env: Record<string, string> = {}, cwd: string | null = '/w') => ({ argv: line.split(' '), env, cwd })
const marked = (line: string, other: string) => line.split(' ').filter((_, at) => differencesFrom(command(line), command(other)).words[at])

it.each([
  ['python vllm serve m --port 8000', 'vllm serve m --host 0.0.0.0 --port 8000', ['python'], ['--host', '0.0.0.0']],
  ['vllm serve m --a 1 --port=8000', 'vllm serve m --port 8000 --a 1', [], []], // another order, another spelling
  ['vllm serve m --kv 5G', 'vllm serve m --kv 5368709120', ['--kv', '5G'], ['--kv', '5368709120']], // a flag goes with its value
  ['x --name a b', 'x --name a', ['--name', 'a', 'b'], ['--name', 'a']],
  ['x x', 'x', ['x'], []], // each is there once
])('%s | %s', (before, after, inBefore, inAfter) => {
  expect(marked(before, after)).toEqual(inBefore)
  expect(marked(after, before)).toEqual(inAfter)
})

it('marks variables and the folder', () => {
  const differences = differencesFrom(command('x', { A: '1', B: '2' }), command('x', { A: '1', B: '3' }, null))
  expect([...differences.variables]).toEqual(['B'])
  expect(differences.cwd).toBe(true)
})
