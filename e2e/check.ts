// What `npm test` runs: types of every wall, lint, unit and integration tests on real parts, end-to-end tests in Chromium.
// Prints what was skipped and why; ends with one line of counts.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { available } from './parts/parts.ts'

const root = join(import.meta.dirname, '..')
const results = join(root, 'test-results')
const WALLS = ['shared', 'core', 'app', 'preload', 'renderer', 'e2e'] as const
/** The only thing that may be missing where everything else is to be had: its binary is fetched from elsewhere. */
const ELECTRON = 'electron-binary'

const counts = { passed: 0, failed: 0, skipped: 0 }
const skips: string[] = []

let running: ChildProcess | null = null
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    running?.kill(signal)
    process.exit(130)
  })
}

async function step(name: string, argv: string[]): Promise<boolean> {
  const started = performance.now()
  process.stdout.write(`\n── ${name}\n`)
  running = spawn(process.execPath, argv, { cwd: root, stdio: 'inherit' })
  const [status] = (await once(running, 'exit')) as [number | null]
  running = null
  process.stdout.write(`── ${name}: ${status === 0 ? 'ok' : 'FAILED'} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`)
  return status === 0
}

async function single(name: string, argv: string[]): Promise<void> {
  counts[(await step(name, argv)) ? 'passed' : 'failed'] += 1
}

interface Report {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numFailedTestSuites: number
  testResults: { name: string; assertionResults: { status: string; fullName: string }[] }[]
}

async function unit(): Promise<void> {
  const file = join(results, 'unit.json')
  const ok = await step('unit and integration', ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`])
  if (!existsSync(file)) return void (counts.failed += 1)
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report
  counts.passed += report.numPassedTests
  counts.failed += report.numFailedTests
  counts.skipped += report.numPendingTests
  // a file that does not even load has no test to fail
  if (!ok && report.numFailedTests === 0) counts.failed += Math.max(1, report.numFailedTestSuites)
  for (const { assertionResults } of report.testResults) for (const test of assertionResults) if (['pending', 'skipped', 'todo'].includes(test.status)) skips.push(test.fullName)
}

interface E2eSuite {
  title: string
  suites?: E2eSuite[]
  specs: { title: string; tests: { status: string; projectName: string; annotations: { type: string; description?: string }[] }[] }[]
}

async function endToEnd(): Promise<void> {
  const electron = existsSync(join(root, 'node_modules/electron/dist'))
  if (!electron) skips.push(`${ELECTRON}: the same specs in Electron (its binary is not here)`)
  const ok = await step('end to end', ['node_modules/@playwright/test/cli.js', 'test', ...(electron ? [] : ['--project', 'browser'])])
  const file = join(results, 'e2e.json')
  if (!existsSync(file)) return void (counts.failed += 1)
  const count = { expected: 0, unexpected: 0, flaky: 0, skipped: 0 }
  const walk = (suite: E2eSuite) => {
    for (const spec of suite.specs) {
      for (const test of spec.tests) {
        count[test.status as keyof typeof count] += 1
        if (test.status === 'skipped') skips.push(`${spec.title}: ${test.annotations.map((annotation) => annotation.description).join(' ')}`)
      }
    }
    suite.suites?.forEach(walk)
  }
  const report = JSON.parse(readFileSync(file, 'utf8')) as { suites: E2eSuite[] }
  report.suites.forEach(walk)
  counts.passed += count.expected
  counts.failed += count.unexpected + count.flaky
  counts.skipped += count.skipped + (electron ? 0 : 1)
  if (!ok && count.unexpected + count.flaky === 0) counts.failed += 1
}

const started = performance.now()
rmSync(results, { recursive: true, force: true })
mkdirSync(results, { recursive: true })

for (const wall of WALLS) await single(`types of ${wall}`, ['node_modules/typescript/bin/tsc', '-p', `tsconfig.${wall}.json`])
await single('lint', ['node_modules/oxlint/bin/oxlint', '--type-aware', '--ignore-pattern', 'e2e/lint/wrong/**', '--deny-warnings', '.'])
const parts = await available()
const missing = Object.values(parts).filter((reason) => reason !== null)
if (missing.length > 0) process.stdout.write(`\nReal parts that cannot be had here:\n${missing.map((reason) => `  ${reason}\n`).join('')}`)
else await single('real parts', ['e2e/parts/parts.ts', 'fetch'])
await unit()
await endToEnd()

if (skips.length > 0) process.stdout.write(`\nSkipped:\n${skips.map((skip) => `  ${skip}\n`).join('')}`)
// where every real part is to be had, nothing but Electron's binary has an excuse
const excused = missing.length > 0 || skips.every((skip) => skip.startsWith(ELECTRON))
if (!excused) process.stdout.write('A skip other than electron-binary counts as a failure here.\n')
process.stdout.write(`\n${((performance.now() - started) / 1000).toFixed(0)} s\nTests: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`)
process.exitCode = counts.failed === 0 && excused ? 0 : 1
