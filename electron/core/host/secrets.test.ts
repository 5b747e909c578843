import { describe, expect, it } from 'vitest'
import { isSecretName, MASK, Secrets } from './secrets.ts'

describe('isSecretName', () => {
  it.each([
    'HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'OPENAI_API_KEY', 'AWS_SECRET_ACCESS_KEY', 'DB_PASSWORD', 'CREDENTIALS', 'VLLM_API_KEY', 'SIGNING_KEY',
    '--api-key', '--hf-token', '--apiKey', 'Authorization',
  ])('%s is', (name) => expect(isSecretName(name)).toBe(true))
  it.each([
    'TOKENIZERS_PARALLELISM', '--max-tokens', '--max-num-batched-tokens', 'HF_TOKEN_PATH', '--api-key-file', '--ssl-keyfile', 'PATH', 'KEY', 'KEYBOARD', 'TOKENS_LIMIT',
  ])('%s is not', (name) => expect(isSecretName(name)).toBe(false))
})

describe('Secrets.argv', () => {
  it.each([
    ['--api-key abcdefghij -m x', `--api-key ${MASK} -m x`],
    ['vllm serve m --api-key first second --port 1', `vllm serve m --api-key ${MASK} ${MASK} --port 1`],
    ['--token abc m', `--token ${MASK} m`],
    ['--hf-token=hf_abcdefghijkl', `--hf-token=${MASK}`],
    ['-hft hf_abcdefghijkl -c 1', `-hft ${MASK} -c 1`],
    ['env HF_TOKEN=abc FOO=1 prog', `env HF_TOKEN=${MASK} FOO=1 prog`],
    ['--url https://ada:geheim@host/x', `--url https://ada:${MASK}@host/x`],
    ['--api-key-file /run/key --max-tokens 50', '--api-key-file /run/key --max-tokens 50'],
    ['--skip-special-token --port 80', '--skip-special-token --port 80'],
  ])('%s', (line, shown) => {
    expect(new Secrets().argv(line.split(' ')).join(' ')).toBe(shown)
  })

  it('masks headers', () => {
    expect(new Secrets().argv(['curl', '-H', 'Authorization: Token abc', '-H', 'Accept: text/plain', '--header', 'X-Api-Key: k']))
      .toEqual(['curl', '-H', `Authorization: ${MASK}`, '-H', 'Accept: text/plain', '--header', `X-Api-Key: ${MASK}`])
  })
})

describe('Secrets.text', () => {
  it.each([
    ['Authorization: Bearer abc.def', `Authorization: Bearer ${MASK}`],
    ['loaded with hf_AbCdEfGhIjKl ok', `loaded with ${MASK} ok`],
    ["args: api_key='abc def', port=1", `args: api_key=${MASK}, port=1`],
    ['eos token: 2, n_tokens=512', 'eos token: 2, n_tokens=512'],
  ])('%s', (text, shown) => expect(new Secrets().text(text)).toBe(shown))

  it('knows a value again wherever it turns up, but never a short word', () => {
    const secrets = new Secrets()
    expect(secrets.env({ MY_PASSWORD: 'correct horse', OTHER_TOKEN: 'true', PLAIN: 'is correct horse', GONE: null }))
      .toEqual({ MY_PASSWORD: MASK, OTHER_TOKEN: MASK, PLAIN: `is ${MASK}` })
    expect(secrets.text('correct horse is true')).toBe(`${MASK} is true`)
  })

  it('takes time linear in the text, also for one giant word', () => {
    const secrets = new Secrets()
    const started = performance.now()
    for (const word of ['x', 'a.', '-', 'a://']) secrets.text(word.repeat(100_000))
    expect(performance.now() - started).toBeLessThan(2000) // quadratic: minutes
  })
})
