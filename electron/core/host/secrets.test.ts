import { describe, expect, it } from 'vitest'
import { isSecretName, MASK, Secrets } from './secrets.ts'

describe('isSecretName', () => {
  it.each([
    'HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'OPENAI_API_KEY', 'AWS_SECRET_ACCESS_KEY', 'DB_PASSWORD', 'CREDENTIALS', 'VLLM_API_KEY', 'SIGNING_KEY',
    '--api-key', '--hf-token', '--apiKey', 'Authorization', 'PGPASSWORD', 'MYSQL_PWD', 'DB_PASS', 'GITHUB_PAT', '--authtoken', 'REDIS_AUTH', 'JWT', 'SLACK_WEBHOOK_URL',
  ])('%s is', (name) => expect(isSecretName(name)).toBe(true))
  it.each([
    'TOKENIZERS_PARALLELISM', '--max-tokens', '--max-num-batched-tokens', 'HF_TOKEN_PATH', '--api-key-file', '--ssl-keyfile', 'PATH', 'KEY', 'KEYBOARD', 'TOKENS_LIMIT', 'PWD', 'OLDPWD', '--tokenizer', '--eos-token-id', '--kv-cache-dtype', 'XAUTHORITY', 'SSH_AUTH_SOCK',
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
    ['docker run --env=HF_TOKEN=abc -e X_KEY=def', `docker run --env=HF_TOKEN=${MASK} -e X_KEY=${MASK}`],
    ['--url=https://h/?a=1&api_key=abc', `--url=https://h/?a=1&api_key=${MASK}`],
    ['https://h/?key=abc&a=1', `https://h/?key=${MASK}&a=1`],
    ['https://u:a/b@host/x http://127.0.0.1:8000/v1', `https://u:${MASK}@host/x http://127.0.0.1:8000/v1`],
    ['git clone https://0123456789abcdef@host/x ssh://git@host/x', `git clone https://${MASK}@host/x ssh://git@host/x`],
    ['--api-key-file /run/key --max-tokens 50', '--api-key-file /run/key --max-tokens 50'],
    ['--skip-special-token --port 80', '--skip-special-token --port 80'],
  ])('%s', (line, shown) => {
    expect(new Secrets().argv(line.split(' ')).join(' ')).toBe(shown)
  })

  it('masks headers', () => {
    expect(new Secrets().argv(['curl', '-H', 'Authorization: Token abc', '-H', 'Accept: text/plain', '--header', 'X-Api-Key: k', '--header=api-key: k', '-HCookie: a=b; c=d', '-H', 'api-key: k']))
      .toEqual(['curl', '-H', `Authorization: ${MASK}`, '-H', 'Accept: text/plain', '--header', `X-Api-Key: ${MASK}`, `--header=api-key: ${MASK}`, `-HCookie: ${MASK}`, '-H', `api-key: ${MASK}`])
  })

  it('masks inside one argument: a shell line, JSON', () => {
    expect(new Secrets().argv(['bash', '-c', 'HF_TOKEN=abc vllm serve m --api-key "def" --port 1'])).toEqual(['bash', '-c', `HF_TOKEN=${MASK} vllm serve m --api-key ${MASK} --port 1`])
    expect(new Secrets().argv(['--config', '{"api_key": "abc", "max_tokens": 5}'])).toEqual(['--config', `{"api_key": ${MASK}, "max_tokens": 5}`])
  })
})

describe('Secrets.text', () => {
  it.each([
    ['Authorization: Bearer abc.def', `Authorization: Bearer ${MASK}`],
    ['loaded with hf_AbCdEfGhIjKl ok', `loaded with ${MASK} ok`],
    ["args: api_key='abc def', port=1", `args: api_key=${MASK}, port=1`],
    ["non-default args: {'api_key': ['abc', 'def'], 'port': 1}", `non-default args: {'api_key': ${MASK}, 'port': 1}`],
    ["Namespace(api_key=['abc'], port=1)", `Namespace(api_key=${MASK}, port=1)`],
    ['x-api-key: abc\nnext', `x-api-key: ${MASK}\nnext`],
    ['> authorization: Token abc def\r\n> accept: */*', `> authorization: Token ${MASK}\r\n> accept: */*`],
    ['password: abc', `password: ${MASK}`],
    ['cut off: API_KEY="abc de', `cut off: API_KEY=${MASK}`],
    ['--token --api-key abc', `--token --api-key ${MASK}`],
    ['eos token: 2, n_tokens=512', 'eos token: 2, n_tokens=512'],
    ['GPU-1, 0, [GPU is lost], 00000000:1A:00.0', 'GPU-1, 0, [GPU is lost], 00000000:1A:00.0'],
  ])('%s', (text, shown) => expect(new Secrets().text(text)).toBe(shown))

  it('knows a value again wherever it turns up, but never a short word', () => {
    const secrets = new Secrets()
    expect(secrets.env({ MY_PASSWORD: 'correct horse', OTHER_TOKEN: 'true', PLAIN: 'is correct horse' }))
      .toEqual({ MY_PASSWORD: MASK, OTHER_TOKEN: MASK, PLAIN: `is ${MASK}` })
    expect(secrets.text('correct horse is true')).toBe(`${MASK} is true`)
    secrets.add('correct horse battery')
    expect(secrets.text('correct horse battery')).toBe(MASK) // not “•••• battery”
    secrets.text("api_key=['first-value', 'second-value']")
    expect(secrets.text('first-value second-value')).toBe(`${MASK} ${MASK}`)
  })

  it('takes time linear in the text, also for one giant word', () => {
    const secrets = new Secrets()
    const before = process.cpuUsage()
    for (const word of ['x', 'a.', '-', 'a://', 'a=', 'a_key="', 'api_key: [', '--token ', '"token": ', 'Authorization: ', '?key=']) secrets.text(word.repeat(100_000))
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(8000) // quadratic: minutes
  })
})
