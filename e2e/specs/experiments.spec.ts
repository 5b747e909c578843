// Experiments from the screen: one that is cancelled in the middle and leaves no trace; one that ends in a report, taken away and brought back.
import { readFile } from 'node:fs/promises'
import type { Page } from '@playwright/test'
import { expect, test } from '../product.ts'

/** The demo made as short as it can be, with one arm of one engine and one of two under MPS. */
async function startTinyDemo(page: Page): Promise<void> {
  await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
  await page.keyboard.press('6')
  await page.getByRole('button', { name: 'The MPS gain of this engine' }).click()
  for (const [field, value] of [['Rounds', '1'], ['Seconds per block', '1'], ['Warm-up', '0']] as const) await page.getByRole('textbox', { name: field }).fill(value)
  await page.getByRole('checkbox', { name: /time-sliced/ }).uncheck()
  await expect(page.getByRole('list', { name: 'What will be done' })).toContainText('Measures 1 round of 2 arms in turn, 1 s each')
  await page.getByRole('button', { name: 'Start the experiment' }).click()
  const dialog = page.getByRole('dialog', { name: 'Start the experiment' })
  await expect(dialog.getByRole('list', { name: 'What will be done' })).toContainText('Stops alpha and beta')
  await dialog.getByRole('button', { name: 'Start the experiment' }).click()
  await expect(page.getByRole('status', { name: 'Workstation held' })).toContainText('holds the workstation')
}

/** Both engines of the scene serve again, and nothing stands beside them. */
async function expectAsBefore(page: Page): Promise<void> {
  await expect(page.getByRole('status', { name: 'Workstation held' })).toBeHidden({ timeout: 60_000 })
  await page.keyboard.press('1')
  for (const name of ['alpha', 'beta']) await expect(page.getByRole('listitem', { name }).getByText('on MPS', { exact: true })).toBeVisible()
  await expect(page.getByRole('list', { name: 'Engines' }).getByRole('listitem')).toHaveCount(2)
  await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
}

test('cancelled while it loads, it leaves the engines as they were; meanwhile nothing else can be changed', async ({ product: { page } }) => {
  await startTinyDemo(page)
  await page.keyboard.press('3')
  await expect(page.getByRole('row', { name: /-single-1/ })).toBeVisible()
  await page.getByRole('row', { name: /alpha/ }).click()
  await expect(page.getByRole('button', { name: 'Start alpha' })).toBeDisabled()
  await page.reload()
  await page.getByRole('button', { name: 'Cancel experiment' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel experiment' }).click()
  await expectAsBefore(page)
  await page.keyboard.press('5')
  await expect(page.getByRole('status', { name: 'Verdict' })).toContainText('Cancelled before its end')
})

test('run to its end, it leaves a report that can be taken away, opened elsewhere and brought back', async ({ product: { page, core } }) => {
  await startTinyDemo(page)
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
  const json = await take(/JSON/)
  const report = JSON.parse(await readFile(json, 'utf8')) as { simulated: boolean; blocks: { purpose: string }[]; engines: { attachment: string }[] }
  expect(report.simulated).toBe(true)
  expect(report.blocks.filter((block) => block.purpose === 'compared')).toHaveLength(2)
  expect(report.engines.map((engine) => engine.attachment).sort()).toEqual(['attached', 'attached', 'notAttached'])
  expect(await readFile(await take(/Markdown/), 'utf8')).toContain('The MPS gain of this engine')
  expect((await readFile(await take(/CSV/), 'utf8')).trim().split('\n').length).toBeGreaterThan(2)
  await readHtml(page, await take(/HTML/), core === null)

  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Open a report.json' }).click()])
  await chooser.setFiles(json)
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
  await expect(elsewhere.getByRole('heading', { name: /The MPS gain of this engine/ }).first()).toBeVisible()
  expect(complaints).toEqual([])
  await elsewhere.close()
}
