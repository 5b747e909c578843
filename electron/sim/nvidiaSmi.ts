// Stand-in for nvidia-smi 580: the subset that a monitor uses, in the real tool's formats, texts and exit codes. Everything goes to stdout.
import { Folder, type Gpu, type SceneFile } from './folder.ts'
import { Printer, repeat } from './printer.ts'
import { computeApps, DRIVER_VERSION, helpQueryGpu, queryHeader, queryOf, queryRow, unknownField } from './queryGpu.ts'
import { readGpu } from './reading.ts'
import { dmonColumns, dmonHeader, dmonRow, HEADER_EVERY, pmonHeader, pmonRows } from './scrolling.ts'
import { logXml } from './logXml.ts'
import { USAGE } from './usage.ts'

const LONG_NAMES: Record<string, string> = { '-i': '--id', '-l': '--loop', '-lms': '--loop-ms', '-L': '--list-gpus', '-d': '--delay', '-c': '--count', '-s': '--select', '-o': '--options', '-q': '--query', '-x': '--xml-format' }
const ALONE = new Set(['--version', '--list-gpus', '--help-query-gpu', '--query', '--xml-format'])
const VALUED = new Set(['--query-gpu', '--query-compute-apps', '--format', '--id', '--loop', '--loop-ms', '--delay', '--count', '--select', '--options', '--gpm-metrics', '--gpm-options'])

class Ended extends Error {
  readonly exitCode: number
  constructor(text: string, exitCode: number) {
    super(text)
    this.exitCode = exitCode
  }
}

function optionsOf(args: readonly string[]): Map<string, string> {
  const options = new Map<string, string>()
  for (let at = 0; at < args.length; at += 1) {
    const [short = '', inline] = (args[at] ?? '').split(/=(.*)/s)
    const name = LONG_NAMES[short] ?? short
    if (ALONE.has(name)) options.set(name, '')
    else if (VALUED.has(name)) options.set(name, inline ?? args[(at += 1)] ?? '')
    else throw new Ended(`ERROR: Option ${short} is not recognized. Please run 'nvidia-smi -h'.\n`, 255)
  }
  return options
}

function chosen(gpus: readonly Gpu[], ids: string | undefined): Gpu[] {
  if (ids === undefined) return [...gpus]
  const wanted = ids.split(',')
  const found = gpus.filter((gpu) => wanted.some((id) => id === String(gpu.index) || id === gpu.uuid || (id.includes(':') && gpu.busId.endsWith(id.toUpperCase()))))
  if (found.length === 0) throw new Ended('No devices were found\n', 6)
  return found
}

const list = (text: string | undefined): string[] => (text ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '')

/** Milliseconds between rows; null: once. */
function loopMs(options: Map<string, string>): number | null {
  const text = options.get('--loop-ms') ?? options.get('--loop')
  if (text === undefined) return null
  const ms = Number(text) * (options.has('--loop-ms') ? 1 : 1000)
  if (!(ms > 0)) throw new Ended('Loop frequency must be greater than 0.\n', 2)
  return ms
}

class NvidiaSmi {
  readonly folder: Folder
  readonly scene: SceneFile
  readonly gpus: Gpu[]
  readonly printer: Printer

  constructor(folder: Folder, scene: SceneFile) {
    this.folder = folder
    this.scene = scene
    this.gpus = folder.gpus(scene)
    this.printer = new Printer(folder, scene)
  }

  async run(args: readonly string[]): Promise<void> {
    await this.printer.driver()
    const [first, ...rest] = args
    if (first === 'dmon' || first === 'pmon') return this[first](this.scrollingOptions(first, rest))
    const options = optionsOf(args)
    if (options.has('--version')) return this.printer.text(`NVIDIA-SMI version  : ${DRIVER_VERSION}\nNVML version        : ${DRIVER_VERSION.slice(0, 7)}\nDRIVER version      : ${DRIVER_VERSION}\nCUDA Version        : 13.0\n`)
    if (options.has('--help-query-gpu')) return this.printer.text(helpQueryGpu())
    if (options.has('--list-gpus')) return this.list()
    if (options.has('--query-gpu')) return this.query(options)
    if (options.has('--query-compute-apps')) return this.computeApps(options)
    if (options.has('--query') && options.has('--xml-format')) return this.xml(options)
    throw new Ended('This part of nvidia-smi is not simulated.\n', 255)
  }

  list(): void {
    const lost = this.folder.misbehaviour(this.scene).lostGpus ?? []
    for (const { index, uuid, busId, card } of this.gpus) {
      this.printer.text(lost.includes(index)
        ? `Unable to determine the device handle for GPU${index}: ${busId}: GPU is lost.  Reboot the system to recover this GPU\n`
        : `GPU ${index}: ${card.name} (UUID: ${uuid})\n`)
    }
  }

  async query(options: Map<string, string>): Promise<void> {
    const names = list(options.get('--query-gpu'))
    const unknown = unknownField(names)
    if (unknown !== null) throw new Ended(`Field "${unknown}" is not a valid field to query.\n\n`, 2)
    const query = queryOf(names, list(options.get('--format')))
    const gpus = chosen(this.gpus, options.get('--id'))
    const period = loopMs(options)
    const misbehaviour = this.folder.misbehaviour(this.scene)
    if (query.header) this.printer.text(`${queryHeader(query)}\n`)
    await repeat(this.folder, period ?? 0, period === null ? 1 : null, async (nowMs) => {
      for (const gpu of gpus) await this.printer.row(queryRow(query, readGpu(this.folder, this.scene, gpu, nowMs), nowMs, this.gpus.length, misbehaviour))
    })
  }

  async computeApps(options: Map<string, string>): Promise<void> {
    const gpus = chosen(this.gpus, options.get('--id'))
    const period = loopMs(options)
    const format = list(options.get('--format'))
    await repeat(this.folder, period ?? 0, period === null ? 1 : null, async (nowMs, turn) => {
      const rows = computeApps(list(options.get('--query-compute-apps')), turn === 0 ? format : [...format, 'noheader'], gpus.map((gpu) => readGpu(this.folder, this.scene, gpu, nowMs)), nowMs)
      if (typeof rows === 'string') throw new Ended(`Field "${rows}" is not a valid field to query.\n\n`, 2)
      for (const row of rows) await this.printer.row(row)
    })
  }

  async xml(options: Map<string, string>): Promise<void> {
    const gpus = chosen(this.gpus, options.get('--id'))
    const period = loopMs(options)
    await repeat(this.folder, period ?? 0, period === null ? 1 : null, async (nowMs) => {
      this.printer.text(logXml(gpus.map((gpu) => readGpu(this.folder, this.scene, gpu, nowMs)), nowMs))
    })
  }

  /** The scrolling tools answer nonsense with their usage text and exit code 0. */
  scrollingOptions(tool: 'dmon' | 'pmon', args: readonly string[]): Map<string, string> {
    try {
      return optionsOf(args)
    } catch {
      throw new Ended(USAGE[tool], 0)
    }
  }

  /** Seconds between samples. */
  delay(options: Map<string, string>, most: number, tool: 'dmon' | 'pmon'): number {
    const seconds = Number(options.get('--delay') ?? '1')
    if (Number.isInteger(seconds) && seconds >= 1 && seconds <= most) return seconds
    throw new Ended(`Collection delay/interval should be between 1 second and ${most} seconds\n${USAGE[tool]}`, 0)
  }

  async dmon(options: Map<string, string>): Promise<void> {
    const period = this.delay(options, 600, 'dmon') * 1000
    const gpus = chosen(this.gpus, options.get('--id')).slice(0, 16)
    const gpm = list(options.get('--gpm-metrics')).map(Number)
    const columns = dmonColumns(options.get('--select') ?? 'puc', gpm)
    if (!columns) throw new Ended('Failed to find any metric to display\nFailed to process command line \n', 255)
    if (gpm.length > 0 && gpus.every(({ card }) => card.gpm === 'refused')) throw new Ended('Not supported on the device(s)\nFailed to process command line \n', 255)
    const stamp = { date: (options.get('--options') ?? '').includes('D'), time: (options.get('--options') ?? '').includes('T') }
    let rows = 0
    await repeat(this.folder, period, this.count(options), async (nowMs, turn) => {
      for (const gpu of gpus) {
        if (rows % HEADER_EVERY === 0) this.printer.text(`${dmonHeader(columns, stamp).join('\n')}\n`)
        rows += 1
        await this.printer.row(dmonRow(columns, readGpu(this.folder, this.scene, gpu, nowMs), turn, nowMs, stamp))
      }
    })
  }

  async pmon(options: Map<string, string>): Promise<void> {
    const period = this.delay(options, 10, 'pmon') * 1000
    const gpus = chosen(this.gpus, options.get('--id')).slice(0, 4)
    const groups = options.get('--select') ?? 'u'
    if (!/^[um]+$/.test(groups)) throw new Ended('Failed to find any metric to display\nFailed to process command line \n', 255)
    let rows = 0
    await repeat(this.folder, period, this.count(options), async (nowMs) => {
      for (const row of gpus.flatMap((gpu) => pmonRows(groups, readGpu(this.folder, this.scene, gpu, nowMs)))) {
        if (rows % HEADER_EVERY === 0) this.printer.text(`${pmonHeader(groups).join('\n')}\n`)
        rows += 1
        await this.printer.row(row)
      }
    })
  }

  count(options: Map<string, string>): number | null {
    const text = options.get('--count')
    return text === undefined ? null : Math.max(1, Number(text) || 1)
  }
}

const folder = Folder.current()
const scene = folder.scene()
try {
  if (!scene) throw new Ended("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n\n", 9)
  await new NvidiaSmi(folder, scene).run(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Ended)) throw error
  process.stdout.write(error.message)
  process.exitCode = error.exitCode
}
