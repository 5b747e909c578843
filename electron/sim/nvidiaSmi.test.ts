import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { Folder } from './folder.ts'
import { hungUntilMs } from './printer.ts'
import { lines, Rig } from './rig.testkit.ts'

const fixture = (name: string) => readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8')
/** Of the same driver and card, kept where the product reads it. */
const real = (name: string) => readFileSync(join(import.meta.dirname, '../core/gpu/fixtures/h100-580', name), 'utf8')
/** Where each word of a fixed-width line ends. */
const ends = (line: string) => [...line.matchAll(/\S+/g)].map((match) => match.index + match[0].length)

let rig: Rig
afterEach(() => rig.close())

const QUERIED = 'timestamp,index,uuid,name,pci.bus_id,driver_version,compute_mode,mig.mode.current,persistence_mode,pstate,utilization.gpu,utilization.memory,memory.total,memory.used,memory.free,power.draw,enforced.power.limit,temperature.gpu,temperature.memory,clocks.sm,clocks.mem'
const slow = { timeout: 60_000 }

it('identifies its GPUs as 580 does', slow, async () => {
  rig = await Rig.open('eight-gpus')
  const list = (await rig.smi('-L')).stdout.trimEnd().split('\n')
  expect(list).toHaveLength(8)
  expect(list[0]?.replace(/GPU-[0-9a-f-]{36}/, 'GPU-x')).toBe(fixture('list.txt').trim().replace(/GPU-[0-9a-f-]{36}/, 'GPU-x'))
  expect(new Set(list.map((line) => /UUID: (.*)\)/.exec(line)?.[1])).size).toBe(8)
  expect((await rig.smi('--version')).stdout).toBe(fixture('version.txt'))
  expect((await rig.smi('--query-gpu=index', '--format=csv,noheader', '-i', '6,2')).stdout).toBe('2\n6\n')
  const busId = (await rig.smi('--query-gpu=pci.bus_id', '--format=csv,noheader', '-i', '3')).stdout.trim()
  expect((await rig.smi('--query-gpu=index', '--format=csv,noheader', '-i', busId.slice(4))).stdout).toBe('3\n')
  expect(await rig.smi('-i', '99', '--query-gpu=index', '--format=csv')).toMatchObject({ exitCode: 6, stdout: 'No devices were found\n' })
})

it('answers --query-gpu field by field as 580 does', slow, async () => {
  rig = await Rig.open()
  const [header = '', row = ''] = fixture('query-gpu-clients.csv').trimEnd().split('\n')
  const names = header.split(', ').map((field) => field.replace(/ \[.*\]/, ''))
  const { stdout, exitCode } = await rig.smi(`--query-gpu=${names.join(',')}`, '--format=csv')
  expect(exitCode).toBe(0)
  const [ownHeader, ownRow = ''] = stdout.trimEnd().split('\n')
  expect(ownHeader).toBe(header)
  const form = (cells: string) => cells.split(', ').map((cell) => cell.replace(/\d+/g, '9').replace(/GPU-.*/, 'GPU').replace(/9:9[A-F]?:9/, '9:9:9'))
  expect(form(ownRow).map((cell, at) => (names[at] === 'driver_version' ? '' : cell))).toEqual(form(row).map((cell, at) => (names[at] === 'driver_version' ? '' : cell)))
  const bare = await rig.smi(`--query-gpu=${names.join(',')}`, '--format=csv,noheader,nounits')
  expect(form(bare.stdout.trimEnd())).toHaveLength(names.length)
  expect(bare.stdout).not.toMatch(/MiB|%| W/)
  expect(await rig.smi('--query-gpu=name,foo', '--format=csv')).toEqual({ exitCode: 2, stdout: fixture('query-gpu-badfield.txt'), stderr: '' })
  const help = (await rig.smi('--help-query-gpu')).stdout
  for (const name of names) expect(help).toContain(`"${name}"`)
})

it('shows an idle GPU to pmon as 580 does', slow, async () => {
  rig = await Rig.open()
  expect((await rig.smi('pmon', '-s', 'um', '-c', '1')).stdout).toBe(fixture('pmon-idle.txt'))
})

it('gives -q -x with the real one\'s elements, and its time in the same form', slow, async () => {
  rig = await Rig.open()
  const xml = (await rig.smi('-q', '-x')).stdout
  const elements = (text: string) => {
    const path: string[] = []
    return new Set([...text.matchAll(/<(\/?)([a-z_]+)[^>]*?(\/?)>/g)].flatMap(([, close, name = '', empty]) => {
      if (close) {
        path.pop()
        return []
      }
      const full = [...path, name].join('/')
      if (!empty) path.push(name)
      return [full]
    }))
  }
  const known = elements(real('q-x-clients.xml'))
  expect([...elements(xml)].filter((element) => !known.has(element))).toEqual([])
  const time = (text: string) => /<timestamp>(.*)<\/timestamp>/.exec(text)?.[1]?.replace(/\d/g, '9').replace(/[A-Z][a-z]{2}/g, 'Xxx')
  expect(time(xml)).toBe(time(real('q-x-clients.xml')))
})

it('streams with -lms until it is asked to end, and then ends well', slow, async () => {
  rig = await Rig.open()
  const child = rig.start([...rig.installed.tools.nvidiaSmi, `--query-gpu=${QUERIED}`, '--format=csv,noheader,nounits', '-lms', '100'])
  const rows: string[] = []
  let rest = ''
  const enough = new Promise<void>((resolve) => child.stdout?.on('data', (chunk) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    rows.push(...parts)
    if (rows.length >= 12) resolve()
  }))
  await enough
  const form = (line: string | undefined) => line?.replace(/GPU-[^,]*/, 'GPU').replace(/0{8}:\w\w:\w\w\.\d/, 'BUS').replace(/\d+/g, '9')
  expect(new Set(rows.map(form))).toEqual(new Set([form(fixture('query-gpu-lms500.csv').split('\n')[0])]))
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve([code, signal])))
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})

it('dies when its reader is gone', slow, async () => {
  rig = await Rig.open()
  const child = rig.start([...rig.installed.tools.nvidiaSmi, '--query-gpu=index', '--format=csv,noheader', '-lms', '50'])
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await lines(child, 2) // leaving the loop closes the pipe
  expect(await ended).toBe(141)
})

it.each([
  ['dmon-pucvmet.txt', ['-s', 'pucvmet', '-c', '1']],
  ['dmon-u-oDT.txt', ['-s', 'u', '-o', 'DT', '-c', '1']],
  ['dmon-gpm-clients.txt', ['-s', 'pucm', '--gpm-metrics', '2,3,5,10', '-c', '3']],
] as const)('dmon keeps the columns of %s', slow, async (name, args) => {
  rig = await Rig.open()
  const real = fixture(name).split('\n')
  const own = (await rig.smi('dmon', ...args)).stdout.split('\n')
  expect(own.slice(0, 3).map(ends)).toEqual(real.slice(0, 3).map(ends))
  expect(own.slice(0, 2)).toEqual(real.slice(0, 2))
})

it('dmon has no GPM value in its first two rows, repeats its header, and says no where the card has none', slow, async () => {
  rig = await Rig.open('eight-gpus')
  const rows = (await rig.smi('dmon', '-s', 'u', '--gpm-metrics', '2,10', '-c', '6')).stdout.trimEnd().split('\n')
  expect(rows.flatMap((line, at) => (line.startsWith('# gpu') ? [at] : []))).toEqual([0, 46])
  const values = rows.filter((line) => /^ +0 /.test(line)).map((line) => line.trim().split(/\s+/).slice(-2))
  expect(values.slice(0, 3)).toEqual([['-', '-'], ['-', '-'], ['0', '0']])
  await rig.close()
  rig = await Rig.open('rtx-4090')
  expect((await rig.smi('dmon', '-s', 'u', '--gpm-metrics', '2,10', '-c', '3')).stdout.trimEnd().split('\n').at(-1)).toMatch(/ - +- *$/)
  await rig.close()
  rig = await Rig.open('na-fields')
  expect(await rig.smi('dmon', '--gpm-metrics', '2')).toMatchObject({ exitCode: 255, stdout: expect.stringContaining('Not supported') })
})

it('refuses nonsense in the real tool\'s words', slow, async () => {
  rig = await Rig.open()
  expect(await rig.smi('--bogus')).toEqual({ exitCode: 255, stdout: "ERROR: Option --bogus is not recognized. Please run 'nvidia-smi -h'.\n", stderr: '' })
  expect(await rig.smi('--query-gpu=index', '--format=csv', '-lms', '0')).toMatchObject({ exitCode: 2, stdout: 'Loop frequency must be greater than 0.\n' })
  for (const tool of ['dmon', 'pmon'] as const) {
    const usage = real(`${tool}-h.txt`)
    expect(await rig.smi(tool, '-h')).toEqual({ exitCode: 0, stdout: usage, stderr: '' })
    expect(await rig.smi(tool, '--bogus')).toEqual({ exitCode: 0, stdout: usage, stderr: '' })
    expect(await rig.smi(tool, '-d', '0.5')).toEqual({ exitCode: 0, stdout: `Collection delay/interval should be between 1 second and ${tool === 'dmon' ? 600 : 10} seconds\n${usage}`, stderr: '' })
  }
  expect(await rig.smi('dmon', '-s', 'z')).toMatchObject({ exitCode: 255, stdout: 'Failed to find any metric to display\nFailed to process command line \n' })
})

it('says what a reluctant driver says', slow, async () => {
  rig = await Rig.open('na-fields')
  const [first, second] = (await rig.smi('--query-gpu=index,utilization.gpu,power.draw,enforced.power.limit,clocks.mem,driver_version', '--format=csv,noheader,nounits')).stdout.split('\n')
  expect(first).toBe('0, 0, [N/A], 700.00, [Insufficient Permissions], 580.159.04')
  expect(second).toBe('[GPU is lost], [GPU is lost], [GPU is lost], 0.00, [GPU is lost], 580.159.04')
  expect((await rig.smi('-L')).stdout).toContain('Unable to determine the device handle for GPU1')
})

it('hangs in the middle of a row, cannot be ended meanwhile, and heals', slow, async () => {
  // again and again: however slowly it starts, it meets the beginning of one
  const hang = { afterSeconds: 2, forSeconds: 5, everySeconds: 8 }
  rig = await Rig.open('two-engines', { hang })
  const openedAtMs = new Folder(rig.folder).scene()?.openedAtMs ?? 0
  const hungUntil = () => hungUntilMs(openedAtMs, hang, Date.now())
  const child = rig.start([...rig.installed.tools.nvidiaSmi, '--query-gpu=uuid', '--format=csv,noheader', '-lms', '200'])
  let text = ''
  child.stdout?.on('data', (chunk) => (text += chunk))
  const uuid = rig.installed.gpuUuids[0] ?? ''
  let until: number | null = null
  await expect.poll(() => /\n.{19,21}$/.test(`\n${text}`) && (until = hungUntil()) !== null, { timeout: 40_000, interval: 20 }).toBe(true)
  child.kill('SIGTERM')
  expect((await rig.smi('-L')).stdout).toContain(uuid)
  expect(Date.now()).toBeGreaterThanOrEqual(until ?? Infinity) // came back only when the driver did
  const rows = () => text.slice(0, text.lastIndexOf('\n')).split('\n')
  const before = rows().length
  await expect.poll(() => rows().length, { timeout: 20_000 }).toBeGreaterThan(before)
  expect([child.exitCode, new Set(rows())]).toEqual([null, new Set([uuid])])
})

it('writes half a line now and then, when the scene says so', slow, async () => {
  rig = await Rig.open('half-lines')
  const child = rig.start([...rig.installed.tools.nvidiaSmi, '--query-gpu=uuid', '--format=csv,noheader', '-lms', '20'])
  expect((await lines(child, 7)).map((line) => line.length)).toEqual([40, 40, 40, 40, 40, 40, 20])
})
