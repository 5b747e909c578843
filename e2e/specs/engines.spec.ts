// Engines from the screen: added with a form that names its wrong fields, started, watched, read, stopped, removed.
import { expect, test } from '../product.ts'

test('an engine is added, refused where it is wrong, started, read, stopped and removed', async ({ product: { page } }) => {
  await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
  await page.keyboard.press('3')
  await page.getByRole('button', { name: 'Add engine', exact: true }).click()
  await page.getByText('Custom command', { exact: true }).click()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('alpha')
  await page.getByLabel('Command', { exact: true }).fill(`${process.execPath} -e 'console.log("hello from gamma"); require("http").createServer((q, s) => s.end("ok")).listen({port})'`)
  await page.getByRole('checkbox', { name: 'Start as an MPS client' }).uncheck()
  await page.getByRole('checkbox', { name: "Serves OpenAI's API" }).uncheck()
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await expect(page.getByText(/Another engine is called alpha\./)).toBeVisible()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('gamma')
  await page.getByRole('button', { name: 'Add', exact: true }).click()

  const row = page.getByRole('row', { name: /gamma/ })
  await expect(row.getByText('stopped')).toBeVisible()
  const press = async (name: string) => {
    await page.getByRole('button', { name, exact: true }).first().click()
    await page.getByRole('dialog').getByRole('button', { name, exact: true }).click()
  }
  await press('Start gamma')
  await expect(row.getByText('ready')).toBeVisible()
  await expect(page.getByText('hello from gamma', { exact: true })).toBeVisible()
  await press('Stop gamma')
  await expect(row.getByText('stopped')).toBeVisible()
  await press('Remove gamma')
  await expect(row).toBeHidden()
  await expect(page.getByRole('dialog')).toBeHidden()

  await page.keyboard.press('4')
  await page.getByRole('textbox', { name: /filter/i }).fill('gamma')
  await expect(page.getByText(/start engine gamma/).first()).toBeVisible()
})
