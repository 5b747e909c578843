// From `npm start` (everything built) to the first frame that Chromium paints with a number of a GPU on it, and what the core then weighs.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBrowser, openContext } from '../browser.ts'
import { openCore } from '../core.ts'
import { median, ms, type Row } from './row.ts'

const TURNS = 5
const NPM_START = ['npm', 'start', '--silent', '--', '--headless']
const SETTLED_MS = 60_000

export async function run(): Promise<Row[]> {
  const browser = await openBrowser()
  const toReady: number[] = []
  const toFrame: number[] = []
  const bare: number[] = []
  for (let turn = 0; turn < TURNS; turn++) {
    const began = performance.now()
    const core = await openCore({ scene: 'mps-off', argv: NPM_START })
    toReady.push(performance.now() - began)
    const page = await (await openContext(browser)).newPage()
    await page.goto(`${core.url}#token=${core.token}`)
    // painted: the strip's canvas is there and a frame has passed
    await page.locator('canvas').first().waitFor()
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
    toFrame.push(performance.now() - began)
    await page.close()
    await core.close()
    const node = performance.now()
    const empty = await openCore({ argv: ['npm', 'exec', '--offline', '--', 'node', '-e', 'console.log("Overlap ready http://127.0.0.1:1/#token=x")', '--'] })
    await empty.exited
    bare.push(performance.now() - node)
  }
  const core = await openCore({ scene: 'two-engines', argv: NPM_START })
  const until = performance.now() + SETTLED_MS
  await new Promise((resolve) => setTimeout(resolve, until - performance.now()))
  // the core itself, not npm above it
  const { pid } = JSON.parse(readFileSync(join(core.state, 'sim/two-engines/core.json'), 'utf8')) as { pid: number }
  const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  await core.close()
  await browser.close()
  return [
    { what: 'npm start after build, to the ready line', ours: ms(median(toReady)), yardstick: `${ms(median(bare))} (npm running an empty Node program)`, ratio: median(toReady) / median(bare), goal: 'see next' },
    { what: 'npm start after build, to the first painted frame', ours: ms(median(toFrame)), yardstick: 'none', ratio: null, goal: '≤ 1,500 ms' },
    { what: 'core process alone, 60 s after its start at 1 Hz', ours: `${resident.toFixed(0)} MB resident`, yardstick: 'none', ratio: null, goal: '≤ 150 MB' },
  ]
}
