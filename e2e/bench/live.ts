// The live screen at its fullest, 8 GPUs × 8 engines at 10 Hz, beside a bare uPlot page that draws the same lines. CPU seconds of the page's main thread per second.
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadavg, tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import type { BrowserContext, Page } from '@playwright/test'
import { openBrowser, openContext } from '../browser.ts'
import { root } from '../core.ts'
import { median, type Row } from './row.ts'

const HZ = 10
const ENGINES = 8
const SETTLE_MS = 5_000
const MEASURED_MS = 10_000
/** Measured in turn, so that what else the machine does falls on both alike. */
const TURNS = 5

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

/** The built gallery, and beside it the bare page with uPlot as its package ships it. */
async function serve(built: string): Promise<{ url: string; close: () => void }> {
  const own: Record<string, string> = {
    '/bare.html': join(import.meta.dirname, 'bare.html'), '/uPlot.js': join(root, 'node_modules/uplot/dist/uPlot.iife.min.js'), '/uPlot.css': join(root, 'node_modules/uplot/dist/uPlot.min.css'),
  }
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://page')
    readFile(own[pathname] ?? join(built, pathname)).then(
      (content) => response.writeHead(200, { 'content-type': TYPES[extname(pathname)] ?? 'application/octet-stream' }).end(content),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() }
}

export interface MainThread {
  all: number
  /** Of it what the browser counts as tasks: without painting the canvases, which it does after them. */
  tasks: number
  script: number
  layout: number
  heapMiB: number
}

/** CPU seconds of the main thread per second of wall time: waiting for a core that others use is no work. */
export async function mainThread(page: Page, measuredMs = MEASURED_MS): Promise<MainThread> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const read = async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value])) as Record<string, number>
  }
  const before = await read()
  await page.waitForTimeout(measuredMs)
  const after = await read()
  await session.detach()
  const spent = (...names: string[]) => names.reduce((sum, name) => sum + after[name]! - before[name]!, 0) / (after['Timestamp']! - before['Timestamp']!)
  return { all: spent('ThreadTime'), tasks: spent('TaskDuration'), script: spent('ScriptDuration'), layout: spent('LayoutDuration', 'RecalcStyleDuration'), heapMiB: after['JSHeapUsedSize']! / 2 ** 20 }
}

async function open(context: BrowserContext, address: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(address)
  await page.locator('canvas').nth(3).waitFor()
  await page.waitForTimeout(SETTLE_MS)
  return page
}

export async function run(): Promise<Row[]> {
  const built = await mkdtemp(join(tmpdir(), 'ov-page-'))
  await promisify(execFile)(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--mode', 'gallery', '--outDir', built], { cwd: root })
  const { url, close } = await serve(built)
  const browser = await openBrowser()
  const context = await openContext(browser)
  const ours: MainThread[] = []
  const bare: MainThread[] = []
  for (let turn = 0; turn < TURNS; turn++) {
    const live = await open(context, `${url}/gallery.html?scene=crowd&hz=${HZ}`)
    ours.push(await mainThread(live))
    const sizes = await live.locator('.uplot').evaluateAll((plots) => plots.map((plot) => `${plot.clientWidth}x${plot.clientHeight}`).join(','))
    await live.close()
    const plain = await open(context, `${url}/bare.html?hz=${HZ}&engines=${ENGINES}&sizes=${sizes}`)
    bare.push(await mainThread(plain))
    await plain.close()
  }
  const ratio = (part: keyof MainThread) => median(ours.map((turn, at) => turn[part] / bare[at]![part]))
  await browser.close()
  close()
  await rm(built, { recursive: true, force: true })
  const said = (turns: MainThread[]) => {
    const of = (part: keyof MainThread) => median(turns.map((turn) => turn[part]))
    return `${of('all').toFixed(3)} s/s (tasks without the painting of canvases ${of('tasks').toFixed(3)}: script ${of('script').toFixed(3)}, style and layout ${of('layout').toFixed(3)}; heap ${of('heapMiB').toFixed(0)} MiB)`
  }
  return [{
    what: `live screen, 8 GPUs × ${ENGINES} engines at ${HZ} Hz: main-thread CPU seconds per second`,
    ours: said(ours),
    yardstick: `${said(bare)} for a bare uPlot page with the same four strips and 20 lines, without cards, numbers and sparklines`,
    ratio: ratio('all'),
    goal: '≤ 1.3 ×',
    note: `median of ${TURNS} turns of ${MEASURED_MS / 1000} s each, one after the other; tasks alone ${ratio('tasks').toFixed(2)} ×; load average ${loadavg()[0]!.toFixed(1)}. Items are made in the page: decoding them from the link is not in it.`,
  }]
}
