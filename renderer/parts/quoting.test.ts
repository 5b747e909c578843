import { describe, expect, it } from 'vitest'
import { quoted, quotedArgv, shellLine, shellScript, wordsOf } from './quoting.ts'

describe('quoted', () => {
  it.each([
    ['--port=8000', '--port=8000'], ['/a/b-c.d', '/a/b-c.d'], ['', "''"], ['a b', "'a b'"], ["it's", `'it'\\''s'`], ['$HOME', "'$HOME'"], ['`id`', "'`id`'"],
    ['~', "'~'"], ['*', "'*'"], ['a;b', "'a;b'"], ['new\nline', "'new\nline'"], ['back\\slash', "'back\\slash'"], ['ünï', "'ünï'"], ['!x', "'!x'"],
  ])('%j → %s', (word, line) => expect(quoted(word)).toBe(line))
})

describe('shellLine', () => {
  it('says directory, environment and input', () => {
    expect(shellLine({ argv: ['nvidia-cuda-mps-control'], env: { CUDA_MPS_PIPE_DIRECTORY: '/a b' }, cwd: '/tmp', stdin: 'get_server_list\n' }))
      .toBe("cd /tmp && printf %s 'get_server_list\n' | env CUDA_MPS_PIPE_DIRECTORY='/a b' nvidia-cuda-mps-control")
  })
  it('is plain where there is nothing to say', () => expect(shellLine({ argv: ['nvidia-smi', '-L'], env: {}, cwd: null, stdin: null })).toBe('nvidia-smi -L'))
  it('is a script with reasons, which cannot leave their comment', () => {
    expect(shellScript([{ argv: ['a'], env: {}, cwd: null, stdin: null, why: 'first\nof all' }])).toBe('# first of all\na')
  })
})

describe('wordsOf', () => {
  it.each<[string, string[] | null]>([
    ['', []], ['  a  b ', ['a', 'b']], [`--x 'a b' "c d"e`, ['--x', 'a b', 'c de']], [`''`, ['']], ['a\\ b', ['a b']],
    [`"a\\"b"`, ['a"b']], [`'a\\b'`, ['a\\b']], [`'open`, null], ['$HOME *', ['$HOME', '*']], ['a\nb', ['a', 'b']],
  ])('%j', (line, words) => expect(wordsOf(line)).toEqual(words))
  it('undoes quotedArgv', () => {
    const words = ['', 'plain', "it's", 'a b', '$HOME', '"q"', 'back\\slash', 'new\nline', "''", '\\']
    expect(wordsOf(quotedArgv(words))).toEqual(words)
  })
})
