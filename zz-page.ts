import { chromium } from '@playwright/test'
import { readFileSync } from 'node:fs'
import { chromiumParts } from './e2e/parts/chromium.ts'
import { syntheticReport, armOf } from './electron/core/experiments/report.testkit.ts'
const url = /http:\/\/\S+/.exec(readFileSync('/tmp/exper/page.log', 'utf8'))![0]
const token = url.split('token=')[1]!; const origin = new URL(url).origin
const api = async (name: string, body: unknown) => { const r = await fetch(`${origin}/api/${name}`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(body) }); return [r.status, await r.json()] as const }
const nasty = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
const evil = syntheticReport({ axes: [{ vary: 'model', values: [nasty, 'javascript:alert(3)'] }, { vary: 'promptTokens', values: [128, 512, 2048] }], truth: (arm, p) => ({ tokensPerSecond: 9000 * (arm.kind === 'mps' ? 1.5 - (p.promptTokens ?? 0) / 4000 : 1), ttft: 80, tpot: 12 }), arms: [armOf('single', 'single', 1, { name: '<b>single</b>' }), armOf('mps', 'mps', 2, { name: nasty.slice(0, 60) })] })
evil.id = 'evil"><script>'; evil.plan.file.title = nasty; evil.plan.file.question = nasty; evil.plan.file.source = nasty; evil.workstation.gpuName = nasty; evil.workstation.hostName = nasty; evil.reasons = [nasty]
evil.plan.file.claims = [{ says: nasty, armId: 'mps', at: {}, is: { how: 'falls', along: 'promptTokens' } }, { says: 'Above 50 % for small models with short context (0.5B, to 256)', armId: 'mps', at: { promptTokens: [128] }, is: { how: 'above', gain: 0.4 } }, { says: 'Below 10 % at 2k', armId: 'mps', at: { promptTokens: [2048] }, is: { how: 'below', gain: -0.1 } }]
evil.checks[0]!.sentence = nasty; evil.checks[0]!.evidence = [nasty]; evil.engines[0]!.argv = ['vllm', nasty]; evil.engines[0]!.env = { [nasty]: nasty }; evil.blocks[1]!.validity = 'invalid'; evil.blocks[1]!.reasons = [nasty]
console.log(await api('experiment/importReport', { text: JSON.stringify(evil) }))
const huge = syntheticReport({ axes: [{ vary: 'concurrency', values: Array.from({ length: 40 }, (_, i) => i + 1) }, { vary: 'promptTokens', values: Array.from({ length: 12 }, (_, i) => i + 1) }], rounds: 3 }); huge.id = 'huge'
const t = performance.now(); console.log((await api('experiment/importReport', { text: JSON.stringify(huge) }))[0], 'huge import', Math.round(performance.now() - t), 'ms', JSON.stringify(huge).length)
for (const [n, text] of [['wrong version', JSON.stringify({ ...evil, version: 2 })], ['array', '[1]'], ['half', JSON.stringify(evil).slice(0, 900)], ['null', 'null']] as const) { const [s, b] = await api('experiment/importReport', { text }); console.log(n, s, (b as any).code, (b as any).sentence) }
const parts = await chromiumParts(); const browser = await chromium.launch({ executablePath: parts.executablePath, args: [...parts.args] })
const page = await (await browser.newContext({ viewport: { width: 1440, height: 1000 } })).newPage(); const msgs: string[] = []
page.on('console', (m) => { if (m.type() === 'error' || m.type() === 'warning') msgs.push(m.text()) }); page.on('pageerror', (e) => msgs.push('PAGEERROR ' + e.message)); page.on('dialog', (d) => { msgs.push('DIALOG ' + d.message()); void d.dismiss() })
await page.goto(url); await page.getByText('engines attached').first().waitFor({ timeout: 60000 })
await page.keyboard.press('7'); await page.waitForTimeout(2500); await page.screenshot({ path: '/tmp/exper/page-reports.png' })
console.log(await page.title(), msgs)
const rows = page.getByRole('table', { name: 'Reports' }).getByRole('row'); console.log('rows', await rows.count())
for (let i = 1; i < await rows.count(); i++) { await rows.nth(i).getByRole('button').first().click(); await page.waitForTimeout(9000); await page.screenshot({ path: `/tmp/exper/page-report-${i}.png`, fullPage: true }) ; const c = page.getByRole('region', { name: 'What it rests on' }); if (await c.count()) { await c.scrollIntoViewIfNeeded(); await c.screenshot({ path: `/tmp/exper/page-claims-${i}.png` }) } }
console.log(msgs)
await browser.close()
