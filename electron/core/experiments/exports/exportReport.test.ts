import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { EngineSpec } from '../../../../shared/engine.ts'
import { EXPORTS, ExperimentFile, type ExportFormat, type Report } from '../../../../shared/experiment.ts'
import { LATENCIES, THROUGHPUTS } from '../../../../shared/load.ts'
import { armOf, syntheticReport } from '../report.testkit.ts'
import { exportReport } from './exportReport.ts'
import { SIMULATED } from './outline.ts'
import { linear, logarithmic } from './svg.ts'

const FORMATS = Object.keys(EXPORTS) as ExportFormat[]
const textOf = (report: Report, format: ExportFormat) => exportReport(report, format).text
const unmarked = (markdown: string) => markdown.replace(/\\([\\`*_{}[\]<>|#~])/g, '$1')
/** What a reader sees of the page. */
const seen = (html: string) => html.replace(/<style>.*?<\/style>/s, '').replace(/<[^>]*>/g, '\n').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&').replaceAll('\u00A0', ' ')
const readings = { markdown: (report: Report) => unmarked(textOf(report, 'markdown')), html: (report: Report) => seen(textOf(report, 'html')) }

const spoilt = syntheticReport({
  rounds: 8, alter: (block) => (block.index === 7 ? { ...block, validity: 'invalid', reasons: ['The generator used 97 % of a core.'] } : block.index === 11 ? { ...block, validity: 'failed', total: null, engines: [], reasons: ['demo-single-1 ended during the block.'] } : block),
})
spoilt.checks.push({ name: 'kvParity', result: 'failed', weight: 'invalidates', sentence: 'The KV caches differ by 12 %.', evidence: ['demo-mps-1: 200,000', 'demo-mps-2: 176,000'] })

describe.each(Object.entries(readings))('%s', (_, read) => {
  it('begins with the stamp and the headline', () => {
    const text = read(spoilt)
    const headline = /2 engines under MPS against the best single engine: \+2\d\.\d % output tokens\/s \(95 % interval \+\d+\.\d … \+\d+\.\d %, 7 paired blocks\)/.exec(text)
    expect(headline).not.toBeNull()
    expect(text.indexOf(SIMULATED)).toBeGreaterThanOrEqual(0)
    expect(text.indexOf(SIMULATED)).toBeLessThan(headline!.index)
    expect(headline!.index).toBeLessThan(text.indexOf('Gains'))
  })
  it('stamps nothing that was measured, and says what does not count at all', () => {
    const measured = syntheticReport({ simulated: false })
    expect(read(measured)).not.toContain('SIMULATED')
    expect(read({ ...measured, outcome: 'invalid', reasons: ['The arms had unequal KV caches.'] })).toContain('INVALID, nothing here counts: The arms had unequal KV caches.')
    expect(read({ ...measured, outcome: 'partial', cellsDone: [] })).toContain('PARTIAL, 0 of 1 cells are done')
  })
  it('says how long it took, and of one that was gone on with in how many sittings', () => {
    expect(read(spoilt)).toContain('took 6 min · report')
    const resumed = structuredClone(spoilt)
    resumed.checks.push({ name: 'resumed/2026-02-03T09:03:00.000Z', result: 'passed', weight: 'warns', sentence: 'Gone on with.', evidence: [] })
    expect(read(resumed)).toContain('in 2 sittings until 2026-02-03 09:06 UTC · report')
  })
  it('lists what does not count with its reasons, and the checks', () => {
    const text = read(spoilt)
    for (const piece of ['The generator used 97 % of a core.', 'demo-single-1 ended during the block.', '22 of 24 blocks count towards the gains.', 'FAILED', 'The KV caches differ by 12 %.', 'Every arm has 400,000 tokens of KV cache.', 'demo-mps-1: 200,000; demo-mps-2: 176,000', 'No share is limited.', 'gpuIsFree']) expect(text).toContain(piece)
    expect(read(syntheticReport())).toContain('18 of 18 blocks count towards the gains.')
  })
  it('counts and lists a check that only warns as one that warns', () => {
    const warned = syntheticReport()
    warned.checks = [{ name: 'cores', result: 'failed', weight: 'warns', sentence: 'Too few cores.', evidence: [] }]
    warned.plan.checks = []
    expect(read(warned)).toContain('0 failed, 1 warn')
    expect(read(warned)).not.toContain('FAILED')
  })
  it('says of a gain below the plateau which load it holds for, in the headline and beside the number', () => {
    const below = structuredClone(spoilt)
    below.checks.push({ name: 'plateau/mps', result: 'failed', weight: 'warns', sentence: 'Below.', evidence: [] })
    const words = 'at this load, below the plateau of Two engines under MPS'
    const text = read(below)
    expect(text.slice(0, text.indexOf('Gains'))).toMatch(new RegExp(`against the best single engine: .*, at the same load in total; this load is below the plateau of Two engines under MPS: more requests at a time would make more tokens/s`))
    expect(text.slice(text.indexOf('Verdict on tokens/s')).replace(/\s+/g, ' ')).toContain(`higher ${words}`)
    expect(read(spoilt)).not.toContain('below the plateau')
  })
  it('prints every definition, and all that repeats it', () => {
    const text = read(spoilt)
    for (const { meaning } of [...Object.values(LATENCIES), ...Object.values(THROUGHPUTS)]) expect(text).toContain(meaning)
    for (const piece of ['580.126', '6.8.0', '24.21.0', 'Xeon 8480+', '700 W', 'vllm serve Qwen/Qwen2.5-0.5B --port 8100', 'CUDA_MPS_PIPE_DIRECTORY=/run/mps/pipe', 'npm run experiment -- FILE.yaml --out DIR --scene two-engines', 'Seed', '42', 'within the band', 'nvidia-smi dmon --gpm-metrics']) expect(text).toContain(piece)
    const yaml = text.slice(text.indexOf('version: 1\n')).split(/```|\n\n/)[0]!
    expect(ExperimentFile.parse(parse(yaml))).toEqual(spoilt.plan.file)
  })
  it('names both gains, each with its regime', () => {
    expect(read(spoilt)).toMatch(/2 engines under MPS against the same engines time-sliced: \+2\d\.\d % output tokens\/s \(95 % interval .* paired blocks\), at the same load in total/)
    const perEngine = structuredClone(spoilt)
    perEngine.plan.file.load.regime = 'equalPerEngine'
    expect(read(perEngine)).toMatch(/against the best single engine: .*, at the same load per engine/)
  })
  it('holds the result against what was published, and says of a simulated one that it proves nothing', () => {
    const report = structuredClone(spoilt)
    report.plan.file.source = 'A study, figure 1'
    report.plan.file.claims = [{ says: 'More than half as much again', armId: 'mps', at: {}, is: { how: 'above', gain: 0.5 } }, { says: 'More', armId: 'mps', at: {}, is: { how: 'above', gain: 0 } }]
    const text = read(report)
    for (const piece of ['Against what was published', '1 met, 1 MISSED, 0 not settled, 0 not measured. Published: A study, figure 1.', 'More than half as much again', 'This is a test of the plumbing.']) expect(text).toContain(piece)
    expect(read({ ...report, simulated: false })).not.toContain('plumbing')
    expect(read(spoilt)).not.toContain('Against what was published')
  })
  it('says where the interval lies against the band, and of one guess that it has none', () => {
    const report = structuredClone(spoilt)
    const [, off, mps] = report.plan.cells[0]!.predictions
    off!.gain = { low: -0.15, likely: -0.15, high: -0.15 }
    mps!.gain = { low: -0.1, likely: 0.1, high: 0.23 }
    const text = read(report)
    expect(text).toMatch(/partly within/)
    expect(text).not.toContain('−15.0 % … −15.0 %')
    mps!.gain.high = 0.1
    expect(read(report)).toMatch(/\+2\d\.\d %[\s|]+above/)
  })
  it('says why nothing was expected where nothing was', () => {
    const report = structuredClone(spoilt)
    for (const prediction of report.plan.cells[0]!.predictions.slice(1)) Object.assign(prediction, { gain: null, gainOverTimeSlicing: null, sentence: 'No prediction. Reading prompts would take about 83 % of the time.' })
    expect(read(report)).toContain('Two engines under MPS: No prediction. Reading prompts would take about 83 % of the time.')
  })
  it('tells each engine of an arm by itself: who yields to whom', () => {
    const report = structuredClone(spoilt)
    report.plan.file.arms[2] = { ...report.plan.file.arms[2]!, sharePercent: [50], clientPriority: [0, 1] }
    const text = read(report).replaceAll(/[\s|]+/g, ' ')
    expect(text).toMatch(/Two engines under MPS 1 of 2 50 % normal 5,\d{3} \(.*?\) 51\.0 %/)
    expect(text).toMatch(/Two engines under MPS 2 of 2 50 % below normal 5,\d{3} \(.*?\) 49\.0 %/)
    expect(text).not.toContain('One engine 1 of 1')
  })
  it('stands a report in which nothing happened', () => {
    const text = read({ ...spoilt, outcome: 'invalid', blocks: [], comparisons: [], engines: [], checks: [], cellsDone: [], plan: { ...spoilt.plan, checks: [], cells: [] } })
    for (const piece of ['No two arms could be compared', 'Nothing was checked.', 'No engine was started.', 'No block was run.']) expect(text).toContain(piece)
    expect(text.split('How to repeat it')[0]).not.toMatch(/NaN|undefined|Infinity|null/)
  })
  it('sums up a sweep, with grid, curves, knee and what was read off', () => {
    const report = syntheticReport({
      axes: [{ vary: 'model', values: ['tiny', 'big'] }, { vary: 'concurrency', values: [8, 16, 32, 64] }], noise: 0.001,
      truth: (arm, point) => ({ tokensPerSecond: (arm.kind === 'mps' && point.model === 'tiny' ? 1.5 : 1) * Math.min(3000, 100 * point.concurrency!), ttft: 20, tpot: point.concurrency! }),
    })
    report.plan.file.readOffAtLatencySeconds = 5
    const text = read(report)
    for (const piece of ['Of 8 compared cells 4 are higher', 'Highest: Model tiny', 'Tokens/s at 5.0 s', '32 (', 'Against One engine', '+50.', 'about one in twenty', 'Model ↓ Concurrency →']) expect(text).toContain(piece)
    for (const comparison of report.comparisons) if (comparison.cell < 3) comparison.verdict = comparison.cell === 0 ? 'tooFewBlocks' : 'unfinished'
    expect(read(report)).toContain('1 have too few blocks and 2 were not run to the last round')
  })
})

describe('any text in it stays text', () => {
  const nasty = '<img src=x onerror=alert(1)> **b** | `c` [d](javascript:e) ${f}\n# g & "h"'
  const report = syntheticReport({ arms: [armOf('single', 'single', 1, { name: nasty.slice(0, 60) }), armOf('mps', 'mps', 2, { name: '=cmd|1' })] })
  report.plan.file.title = nasty
  report.reasons = [nasty]
  report.workstation.hostName = nasty
  report.engines[0]!.argv = ['run', nasty, '```']
  report.blocks[0] = { ...report.blocks[0]!, validity: 'invalid', reasons: [nasty], engines: report.blocks[0]!.engines.map((engine) => ({ ...engine, engineName: '=HYPERLINK("http://x")' })) }
  it('in HTML: no element and no attribute comes from it', () => {
    const html = textOf(report, 'html')
    expect(html).not.toContain('<img')
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;')
    expect(html).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)[^<]*"|url\(|@import| src=(?!x onerror=alert\(1\)&gt;)| href=/)
    expect(html).toContain("default-src 'none'")
  })
  it('in Markdown: one line per row, no markup, fences that hold', () => {
    const markdown = textOf(report, 'markdown')
    expect(markdown.replace(/^(`{3,}).*?^\1$/gms, '')).not.toMatch(/(?<!\\)<img/)
    expect(markdown.split('\n')[0]).toBe('# \\<img src=x onerror=alert(1)\\> \\*\\*b\\*\\* \\| \\`c\\` \\[d\\](javascript:e) $\\{f\\} \\# g & "h"')
    expect(markdown).toMatch(/^````sh$/m)
    expect(markdown.match(/^````$/gm)).toHaveLength(1)
    const columns = (line: string) => line.replaceAll('\\|', '').split('|').length
    for (const table of markdown.split('\n\n').filter((part) => part.startsWith('| '))) expect(new Set(table.split('\n').map(columns)).size).toBe(1)
  })
  it('in what is to be typed: one command, whatever names and scenes say', () => {
    const evil = structuredClone(report)
    evil.engines = [{ ...evil.engines[0]!, name: 'x\nrm -rf ~', argv: ['vllm'], env: { 'A; rm -rf ~ #': '$(rm -rf ~)' } }]
    evil.scene = 'two-engines; rm -rf ~'
    const markdown = textOf(evil, 'markdown')
    expect(markdown).toContain("# x rm -rf ~\n'A; rm -rf ~ #'='$(rm -rf ~)' \\\n  vllm")
    expect(markdown).toContain("npm run experiment -- FILE.yaml --out DIR --scene 'two-engines; rm -rf ~' --gpu GPU-0")
  })
  it('in CSV: RFC 4180, one row per block and engine, no formula', () => {
    const rows = rowsOf(textOf(report, 'csv'))
    expect(rows).toHaveLength(1 + report.blocks.reduce((sum, block) => sum + block.engines.length, 0))
    expect(new Set(rows.map((row) => row.length)).size).toBe(1)
    const column = (name: string) => rows.map((row) => row[rows[0]!.indexOf(name)])
    expect(column('reasons')[1]).toBe(nasty)
    expect(column('engine')[1]).toBe('\'=HYPERLINK("http://x")')
    expect(column('simulated').slice(1).every((value) => value === 'true')).toBe(true)
    expect(Number(column('outputTokensPerSecond')[2])).toBe(report.blocks[1]!.engines[0]!.result.outputTokensPerSecond)
    expect(rowsOf(textOf(spoilt, 'csv')).find((row) => row.includes('failed'))).toContain('demo-single-1 ended during the block.')
  })
})

function rowsOf(csv: string): string[][] {
  expect(csv.endsWith('\r\n')).toBe(true)
  const rows: string[][] = [[]]
  for (const match of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)!.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    if (match[3] === '\r\n') rows.push([])
  }
  return rows.slice(0, -1)
}

describe('exportReport', () => {
  it.each(FORMATS)('names the file and masks secrets in %s', (format) => {
    const report = syntheticReport()
    report.plan.file.engine = {
      recipe: 'custom', name: 'x', gpuUuid: null, onMps: false, sharePercent: null, pinnedMemoryLimitMiB: null, clientPriority: null, cpus: null, port: null, env: { HF_TOKEN: 'opensesame-1' }, cwd: null, restartBudget: 0,
      readyWithinSeconds: 60, argv: ['serve', '--api-key', 'opensesame-2'], healthPath: null, metricsPath: null, openAi: true, sequences: null, kvTokens: null,
    }
    report.engines[0]!.argv = ['serve', '--api-key', 'opensesame-2', '--note', 'opensesame-1']
    report.plan.file.arms[0]!.extraArguments = ['--api-key', 'opensesame-3']
    const { fileName, mediaType, text } = exportReport(report, format)
    expect(text).not.toContain('opensesame')
    expect(mediaType).toBe(EXPORTS[format])
    expect(fileName).toBe(`decode-heavy-demo-2026-02-03-09-00-simulated.${{ html: 'html', markdown: 'md', csv: 'csv', json: 'json' }[format]}`)
    expect(report.plan.file.engine.env['HF_TOKEN']).toBe('opensesame-1')
  })
  it('is repeated on another machine: the file names no GPU, the command does', () => {
    const report = syntheticReport()
    report.plan.file.engine = EngineSpec.parse({ recipe: 'llamaServer', name: 'x', gpuUuid: 'GPU-0', onMps: false, sharePercent: null, port: null, env: {}, cwd: null, restartBudget: 0, readyWithinSeconds: 60, executable: 'llama-server', modelPath: '/m.gguf', contextTokens: 1024, slots: 4, gpuLayers: null, extraArguments: [] })
    const text = textOf(report, 'markdown')
    expect(ExperimentFile.parse(parse(/```yaml\n(.*?)```/s.exec(text)![1]!)).engine).toEqual({ ...report.plan.file.engine, gpuUuid: null })
    expect(text).toContain('--gpu GPU-0\n')
    for (const piece of ['1,980 · 2,619', '412 W', '| 58 |', '42: arrivals, lengths and the order of arms.']) expect(text).toContain(piece)
  })
  it('finds a name for any title', () => {
    const named = (title: string) => exportReport({ ...spoilt, simulated: false, plan: { ...spoilt.plan, file: { ...spoilt.plan.file, title } } }, 'csv').fileName
    expect([named('../../etc/passwd'), named('日本')]).toEqual(['etc-passwd-2026-02-03-09-00.csv', 'experiment-2026-02-03-09-00.csv'])
  })
})

describe('scales', () => {
  it.each([[0, 9104, [0, 2000, 4000, 6000, 8000, 10000]], [-5, 32, [-10, 0, 10, 20, 30, 40]], [0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1]], [0, 0.03, [0, 0.01, 0.02, 0.03]]])('from %f to %f', (low, high, ticks) => {
    const scale = linear(low, high, 100, 0)
    expect(scale.ticks).toEqual(ticks)
    expect([scale.at(ticks[0]!), scale.at(ticks.at(-1)!)].map((place) => Number(place.toFixed(6)))).toEqual([100, 0])
  })
  it('doubles evenly and leaves out ticks that collide', () => {
    const scale = logarithmic([8, 16, 32, 33, 64], 0, 300)
    expect(scale.ticks).toEqual([8, 16, 32, 64])
    expect([8, 16, 32].map((value) => Math.round(scale.at(value)))).toEqual([0, 100, 200])
  })
})
