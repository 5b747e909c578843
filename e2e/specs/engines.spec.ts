// Engines from the screen: added with a form that names its wrong fields, started, watched, read, stopped, removed.
import { expect, test } from '../product.ts'

test('an engine is added, refused where it is wrong, started, read, stopped and removed', async ({ product: { page } }) => {
  await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
  await page.keyboard.press('3')
  await page.getByRole('button', { name: 'Add engine' }).click()
  const form = page.getByRole('dialog')
  await form.getByLabel('Recipe').selectOption({ label: 'Custom command' }).catch(async () => {
    await form.getByText('Custom command').click()
  })
  await form.getByLabel('Name', { exact: true }).fill('alpha')
  await form.getByLabel(/^Command/).fill(`${process.execPath}\n-e\nconsole.log("hello from gamma"); require("http").createServer((q, s) => s.end("ok")).listen({port})`)
  await form.getByRole('button', { name: /^(Add|Save)/ }).click()
  await expect(form.getByText('Another engine is called alpha.')).toBeVisible()
  await form.getByLabel('Name', { exact: true }).fill('gamma')
  await form.getByRole('button', { name: /^(Add|Save)/ }).click()
  await expect(form).toBeHidden()

  await page.getByRole('button', { name: 'Start gamma' }).first().click()
  await page.getByRole('dialog').getByRole('button', { name: 'Start gamma' }).click()
  const row = page.getByRole('row', { name: /gamma/ })
  await expect(row.getByText('ready')).toBeVisible()
  await row.click()
  await expect(page.getByText('hello from gamma')).toBeVisible()

  await page.getByRole('button', { name: 'Stop gamma' }).first().click()
  await page.getByRole('dialog').getByRole('button', { name: 'Stop gamma' }).click()
  await expect(row.getByText('stopped')).toBeVisible()
  await page.getByRole('button', { name: 'Remove gamma' }).first().click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove gamma' }).click()
  await expect(row).toBeHidden()

  await page.keyboard.press('4')
  await page.getByRole('textbox', { name: /filter/i }).fill('gamma')
  await expect(page.getByText('start engine gamma').first()).toBeVisible()
})
