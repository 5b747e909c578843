// Experiments from the screen: one that is cancelled in the middle and leaves no trace; one that ends in a report, taken away and brought back.
import { readFile } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import { expect, test } from '../product.ts'

/** As short as an experiment can be: one block each of one engine and of two under MPS, loaded one after another. */
const TINY = `
version: 1
title: One against two
question: Does it go through?
arms:
  - { id: single, name: One engine, kind: single, engines: 1 }
  - { id: mps, name: Two engines under MPS, kind: mps, engines: 2 }
load: { api: completions, prompt: { shape: fixed, tokens: 32 }, output: { shape: fixed, tokens: 32 }, arrivals: { kind: closed, concurrency: 16 }, regime: equalTotal, ignoreEos: true, streamIntervalTokens: 16, goodput: null, seed: 1 }
blocks: { rounds: 1, seconds: 1, warmUpSeconds: 0, coolDownSeconds: 0 }
residency: cold
`

async function openExperiments(page: Page): Promise<void> {
  await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
  await page.keyboard.press('6')
}

async function openFile(page: Page, text: string): Promise<void> {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Open a file' }).click()])
  await chooser.setFiles({ name: 'tiny.yaml', mimeType: 'application/yaml', buffer: Buffer.from(text) })
}

async function start(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start the experiment' }).click()
  const dialog = page.getByRole('dialog', { name: 'Start the experiment' })
  await expect(dialog.getByRole('list', { name: 'What will be done' })).toContainText('Stops alpha and beta')
  await dialog.getByText(/^Every command \(\d+\)$/).click()
  await expect(dialog.getByText('<a free port>').first()).toBeVisible()
  await dialog.getByRole('button', { name: 'Start the experiment' }).click()
  await expect(page.getByRole('status', { name: 'Workstation held' })).toContainText('holds the workstation')
  // a dialog has the keys for as long as it is open
  await expect(dialog).toBeHidden()
}

/** Both engines of the scene serve again, and nothing stands beside them. */
async function expectAsBefore(page: Page): Promise<void> {
  await expect(page.getByRole('status', { name: 'Workstation held' })).toBeHidden({ timeout: 60_000 })
  await page.keyboard.press('1')
  for (const name of ['alpha', 'beta']) await expect(page.getByRole('listitem', { name }).getByText('on MPS', { exact: true })).toBeVisible()
  await expect(page.getByRole('list', { name: 'Engines' }).getByRole('listitem')).toHaveCount(2)
  await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
}

// a real experiment runs in both: on a busy machine it takes longer than any other spec
test.setTimeout(180_000)

test('cancelled while it loads, it leaves the engines as they were; meanwhile nothing else can be changed', async ({ product: { page } }) => {
  await openExperiments(page)
  await page.getByRole('button', { name: 'The MPS gain of this engine' }).click()
  for (const [field, value] of [['Rounds', '1'], ['Seconds per block', '1'], ['Warm-up', '0']] as const) await page.getByRole('textbox', { name: field }).fill(value)
  await page.getByRole('checkbox', { name: /time-sliced/ }).uncheck()
  await expect(page.getByRole('list', { name: 'What will be done' })).toContainText('Measures 1 round of 2 arms in turn, 1 s each')
  await page.getByRole('button', { name: 'Rehearse' }).click()
  await expect(page.getByText(/^rehearsed \d\d:\d\d:\d\d: \d+ of \d+ passed/)).toBeVisible()
  await expect(page.getByText('A copy of the engine can be started.')).toBeVisible()
  await start(page)
  await page.keyboard.press('3')
  await expect(page.getByRole('row', { name: /-single-1/ })).toBeVisible()
  await page.getByRole('row', { name: /alpha/ }).click()
  await expect(page.getByRole('button', { name: 'Start alpha', exact: true })).toBeDisabled()
  await page.reload()
  await page.getByRole('button', { name: 'Cancel experiment' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel experiment' }).click()
  await expectAsBefore(page)
  await page.keyboard.press('5')
  await expect(page.getByRole('status', { name: 'Verdict' })).toContainText('Cancelled before its end')
})

test('run to its end, it leaves a report that can be taken away, opened elsewhere and brought back', async ({ product: { page, core } }) => {
  await openExperiments(page)
  await openFile(page, TINY.replace('kind: mps', 'kind: mpss'))
  await expect(page.getByText(/arms\.1\.kind/).first()).toBeVisible()
  await openFile(page, TINY)
  await start(page)
  await page.getByRole('button', { name: 'Open Stage' }).first().click()
  await expect(page.getByRole('list', { name: 'Arms' }).getByRole('listitem')).toHaveCount(2)
  await expect(page.getByRole('status', { name: 'Verdict' })).toBeVisible({ timeout: 60_000 })
  await expectAsBefore(page)
  await page.keyboard.press('5')
  await page.getByRole('button', { name: 'Open the report' }).click()
  const shown = page.getByRole('table', { name: 'Reports' })
  await expect(shown.getByText('simulated', { exact: true })).toHaveCount(1)
  await expect(page.getByRole('region', { name: 'What it rests on' })).toContainText('Checks')

  const take = async (format: RegExp): Promise<string> => {
    await page.getByRole('button', { name: 'Export' }).click()
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: format }).click()])
    return await file.path()
  }
  const report = JSON.parse(await readFile(await take(/JSON/), 'utf8')) as { simulated: boolean; blocks: { purpose: string; armId: string }[]; engines: { attachment: string }[] }
  expect(report.simulated).toBe(true)
  // one that a busy machine spoilt is there twice
  expect(new Set(report.blocks.filter((block) => block.purpose === 'compared').map((block) => block.armId)).size).toBe(2)
  expect(report.engines.filter((engine) => engine.attachment === 'It is an MPS client.')).toHaveLength(2)
  expect(await readFile(await take(/Markdown/), 'utf8')).toContain('One against two')
  expect((await readFile(await take(/CSV/), 'utf8')).trim().split('\n').length).toBeGreaterThan(2)
  await readHtml(page, await take(/HTML/), core === null)

  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Open a report.json' }).click()])
  // as somebody else's, or it would be the one that is there
  await chooser.setFiles({ name: 'report.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify({ ...report, id: 'from-elsewhere' })) })
  await expect(shown.getByText('imported', { exact: true })).toHaveCount(1)
  await page.getByRole('combobox', { name: 'Compare with' }).click()
  await page.getByRole('option').first().click()
  await expect(page.getByRole('switch', { name: /only what differs/ })).toBeVisible()
  await page.getByRole('button', { name: 'Close', exact: true }).click()
  await page.getByRole('button', { name: /^Remove/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: /^Remove/ }).click()
  await expect(shown.getByText('simulated', { exact: true })).toHaveCount(1)
})

/** Opened from disk as whoever gets it would, without a core: it needs nothing else. A desktop window opens no second page. */
async function readHtml(page: Page, path: string, desktop: boolean): Promise<void> {
  const text = await readFile(path, 'utf8')
  expect(text).not.toMatch(/<script|https?:\/\/[^"' ]+\.(js|css)/)
  if (desktop) return
  const elsewhere = await page.context().newPage()
  const complaints: string[] = []
  elsewhere.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()) })
  await elsewhere.setContent(text)
  await expect(elsewhere.getByRole('heading', { level: 1 })).toHaveText('One against two')
  expect(complaints).toEqual([])
  await elsewhere.close()
}
