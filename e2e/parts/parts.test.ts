// The real programs, really started: what every other test that uses them takes for granted.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { inflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { chromiumParts, hasSystemChromium } from './chromium.ts'
import { type LlamaParts, llamaParts } from './llama.ts'
import { nginxParts } from './nginx.ts'
import { type NvidiaBranch, type NvidiaParts, nvidiaParts } from './nvidia.ts'
import { available, type PartName } from './parts.ts'

const execute = promisify(execFile)
const FETCH_MS = 600_000
const reasons = await available()

function describePart(part: PartName, tests: () => void): void {
  const reason = reasons[part]
  if (reason) console.warn(`SKIPPED ${reason}`)
  describe.skipIf(reason)(part, tests)
}

async function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })))
}

/** A short path: the MPS socket's name must fit into 107 bytes. */
async function scratch(): Promise<string> {
  const folder = await mkdtemp('/tmp/parts-')
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await new Promise<number>((done) => server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port)))
  await new Promise((done) => server.close(done))
  return port
}

for (const branch of ['535', '550'] satisfies NvidiaBranch[]) {
  describePart(`nvidia-${branch}`, () => {
    let parts: NvidiaParts
    beforeAll(async () => {
      parts = await nvidiaParts(branch)
    }, FETCH_MS)

    test('nvidia-smi says that it cannot reach a driver, and leaves no device node behind', async () => {
      const before = existsSync('/dev/nvidiactl')
      const [file = '', ...words] = parts.smi
      const wrapped = execute(join(parts.bin, 'nvidia-smi'))
      const plain = execute(file, words, { env: { ...process.env, ...parts.env } })
      for (const answer of await Promise.allSettled([wrapped, plain])) {
        expect(answer).toMatchObject({
          status: 'rejected',
          reason: { code: 9, stdout: expect.stringContaining("couldn't communicate with the NVIDIA driver") },
        })
      }
      expect(existsSync('/dev/nvidiactl')).toBe(before)
    })

    test('the control daemon starts, answers, starts the real server, and quits', async () => {
      // This PATH shows that the wrapper alone leads the daemon to its server.
      const daemon = await startDaemon([join(parts.bin, 'nvidia-cuda-mps-control')], { PATH: '/usr/bin:/bin' })
      expect(await daemon.ask('get_default_active_thread_percentage')).toBe('100.0')
      expect(basename(await readlink(`/proc/${daemon.pid}/exe`))).toBe('nvidia-cuda-mps-control')
      expect(basename((await readFile(`/proc/${daemon.pid}/cmdline`, 'utf8')).split('\0')[0] ?? '')).toBe('nvidia-cuda-mps-control')
      expect((await readFile(`/proc/${daemon.pid}/comm`, 'utf8')).trim()).toBe('nvidia-cuda-mps')

      expect(await daemon.ask(`start_server -uid ${process.getuid?.()}`)).toBe('')
      const said = 'Failed to start : no CUDA-capable device is detected'
      await vi.waitFor(async () => expect(await readFile(join(daemon.log, 'server.log'), 'utf8')).toContain(said), 10_000)

      await daemon.ask('quit')
      await vi.waitFor(() => expect(existsSync(`/proc/${daemon.pid}/exe`)).toBe(false), 10_000)
      expect(existsSync(join(daemon.pipe, 'log'))).toBe(false)
    })

    test('argv and environment, without the wrapper, reach a daemon too', async () => {
      const daemon = await startDaemon(parts.mpsControl, parts.env)
      expect(await daemon.ask('get_default_client_priority')).toBe('0')
    })
  })
}

interface Daemon {
  readonly pid: string
  readonly pipe: string
  readonly log: string
  ask(line: string): Promise<string>
}

async function startDaemon([file = '', ...words]: readonly string[], environment: NodeJS.ProcessEnv): Promise<Daemon> {
  const folder = await scratch()
  const pipe = join(folder, 'pipe')
  const log = join(folder, 'log')
  const env = { ...environment, CUDA_MPS_PIPE_DIRECTORY: pipe, CUDA_MPS_LOG_DIRECTORY: log }
  const ask = async (line: string): Promise<string> => {
    const asking = execute(file, words, { env })
    asking.child.stdin?.on('error', () => undefined).end(`${line}\n`)
    // `quit` ends with 1 and no word once a server of this daemon has failed, although the daemon does stop.
    return (await asking.catch((failure: { stdout: string }) => failure)).stdout.trim()
  }
  await execute(file, [...words, '-d'], { env })
  const pid = await daemonPid(pipe)
  if (!pid) throw new Error('-d ended with 0 and no daemon runs')
  onTestFinished(async () => {
    await ask('quit')
    // Looked up by exe and pipe: a dead daemon may stay a zombie, and 550 was once seen to outlive its `quit` for good.
    const gone = vi.waitFor(async () => expect(await daemonPid(pipe)).toBeNull(), 5_000)
    await gone.catch(() => process.kill(Number(pid), 'SIGKILL'))
  })
  return { pid, pipe, log, ask }
}

async function daemonPid(pipe: string): Promise<string | null> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const exe = await readlink(`/proc/${pid}/exe`).catch(() => '')
    if (basename(exe) !== 'nvidia-cuda-mps-control') continue
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (environment.split('\0').includes(`CUDA_MPS_PIPE_DIRECTORY=${pipe}`)) return pid
  }
  return null
}

describePart('llama', () => {
  let parts: LlamaParts
  let engine: ChildProcess
  let url = ''
  let said = ''
  beforeAll(async () => {
    parts = await llamaParts()
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    const place = ['--model', parts.model, '--host', '127.0.0.1', '--port', `${port}`, '--metrics']
    const words = [...place, '--ctx-size', '4096', '--parallel', '2', '--threads', '1']
    engine = spawn('llama-server', words, { env: { PATH: `${parts.bin}:${process.env['PATH']}` }, stdio: ['ignore', 'ignore', 'pipe'] })
    engine.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await vi.waitFor(async () => {
      if (engine.exitCode !== null) throw new Error(`llama-server ended with ${engine.exitCode}: ${said}`)
      expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' })
    }, 30_000)
  }, FETCH_MS)
  afterAll(() => void engine?.kill('SIGKILL'))

  const complete = async (body: object): Promise<Response> => {
    return fetch(`${url}/v1/completions`, { method: 'POST', body: JSON.stringify({ prompt: 'Overlap', ignore_eos: true, ...body }) })
  }

  test('is seen as llama-server, not as a shell or a loader', async () => {
    expect(basename(await readlink(`/proc/${engine.pid}/exe`))).toBe('llama-server')
    expect((await readFile(`/proc/${engine.pid}/comm`, 'utf8')).trim()).toBe('llama-server')
    expect((await readFile(`/proc/${engine.pid}/cmdline`, 'utf8')).split('\0').slice(1, 3)).toEqual(['--model', parts.model])
  })

  test('answers as many tokens as asked, in printable text, one prompt token per byte', async () => {
    const answer = (await (await complete({ max_tokens: 37 })).json()) as { choices: { text: string }[]; usage: object }
    expect(answer.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 37 })
    expect(answer.choices[0]?.text).toMatch(/^[ -~]{37}$/)
  })

  test('streams, with exact usage at the end', async () => {
    const stream = await (await complete({ max_tokens: 12, stream: true, stream_options: { include_usage: true } })).text()
    const events = stream.split('\n\n').filter((event) => event.startsWith('data: ')).map((event) => event.slice(6))
    expect(events.at(-1)).toBe('[DONE]')
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event) as { choices: { text: string }[]; usage?: object })
    expect(chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.text)).join('')).toHaveLength(12)
    expect(chunks.findLast((chunk) => chunk.usage)?.usage).toMatchObject({ completion_tokens: 12 })
  })

  test('lists its model and counts its tokens', async () => {
    const models = (await (await fetch(`${url}/v1/models`)).json()) as { data: object[] }
    expect(models.data).toHaveLength(1)
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^llamacpp:tokens_predicted_total \d+$/m)
  })

  test('a signal sent to the started process ends the engine itself', async () => {
    const end = ended(engine)
    engine.kill('SIGTERM')
    expect(await end).toEqual({ code: 0, signal: null })
    await expect(fetch(`${url}/health`)).rejects.toThrow('fetch failed')
  })
})

describePart('nginx', () => {
  test('answers an ordinary user, and wrk counts the answers', async () => {
    const { nginx, wrk } = await nginxParts()
    const folder = await scratch()
    const port = await freePort()
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')
    await writeFile(join(folder, 'nginx.conf'), `daemon off; master_process off; pid ${folder}/pid; events {}
http { access_log off; ${temporary} server { listen 127.0.0.1:${port}; return 200 "real"; } }`)
    const [file = '', ...words] = nginx
    const server = spawn(file, [...words, '-c', join(folder, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'inherit'] })
    onTestFinished(() => void server.kill('SIGKILL'))
    await vi.waitFor(async () => expect(await (await fetch(`http://127.0.0.1:${port}`)).text()).toBe('real'), 10_000)
    const { stdout } = await execute(wrk[0] ?? '', ['--threads', '1', '--connections', '2', '--duration', '1s', `http://127.0.0.1:${port}`])
    expect(stdout).toMatch(/Requests\/sec: +[1-9]/)
  }, FETCH_MS)
})

describePart('chromium', async () => {
  // 159 MB more, so only where it is the only one or is asked for.
  const both = (await hasSystemChromium()) && process.env['OVERLAP_TEST_PRIVATE_CHROMIUM']
  test.each(both ? (['system-first', 'private'] as const) : (['system-first'] as const))('%s: draws a page', async (choice) => {
    const { version, executablePath, args } = await chromiumParts(choice)
    expect(version).toMatch(/^\d+(\.\d+){3}$/)
    const folder = await scratch()
    await mkdir(join(folder, 'home'))
    await writeFile(join(folder, 'page.html'), '<body style="background:#123456">')
    const picture = join(folder, 'page.png')
    const view = ['--headless=new', '--window-size=640,360', `--user-data-dir=${folder}/profile`]
    const words = [...args, ...view, `--screenshot=${picture}`, `file://${folder}/page.html`]
    await execute(executablePath, words, { env: { ...process.env, HOME: join(folder, 'home') } })
    expect(firstPixel(await readFile(picture))).toBe('123456')
  }, FETCH_MS)
})

/** Whatever filter a PNG row uses, its very first pixel is stored as it is. */
function firstPixel(png: Buffer): string {
  const packed: Buffer[] = []
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') packed.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)))
  }
  return inflateSync(Buffer.concat(packed)).toString('hex', 1, 4)
}
