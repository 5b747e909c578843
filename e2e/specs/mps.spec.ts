// MPS from the screen: started with a preview and proven, stopped only with consent, engines put on it.
import { expect, test } from '../product.ts'

test.describe('without a daemon', () => {
  test.use({ flags: { scene: 'mps-off' } })

  test('starting shows the commands first, then the proof; the engines that were there before are put on it one by one', async ({ product: { page } }) => {
    for (const name of ['alpha', 'beta']) await expect(page.getByRole('listitem', { name }).getByText('ready')).toBeVisible()
    await page.keyboard.press('2')
    await page.getByRole('button', { name: 'Start MPS', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await expect(dialog.getByText(/-d\b/).first()).toBeVisible()
    await expect(dialog.getByText(/CUDA_MPS_PIPE_DIRECTORY/).first()).toBeVisible()
    await expect(dialog.getByText(/start_server -uid/)).toBeVisible()
    await dialog.getByRole('button', { name: 'Start MPS', exact: true }).click()
    await expect(dialog).toBeHidden()
    await expect(page.getByText('The daemon listens and its server is ACTIVE.')).toBeVisible()
    await expect(page.getByText('A control command was answered in full.')).toBeVisible()
    for (const name of ['alpha', 'beta']) {
      await page.keyboard.press('1')
      await page.getByRole('listitem', { name }).getByRole('button', { name: 'Put on MPS' }).click()
      await page.getByRole('dialog').getByRole('button', { name: `Put ${name} on MPS`, exact: true }).click()
      await expect(page.getByRole('listitem', { name }).getByText('on MPS', { exact: true })).toBeVisible({ timeout: 40_000 })
      // nobody may stop or start on this GPU while it loads
      await expect(page.getByRole('listitem', { name }).getByText('ready')).toBeVisible()
    }
    await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
  })

  test('a card that is looked at offers MPS as soon as it runs', async ({ product: { page } }) => {
    const put = page.getByRole('listitem', { name: 'alpha' }).getByRole('button', { name: 'Put on MPS' })
    await expect(page.getByRole('listitem', { name: 'beta' }).getByText('ready')).toBeVisible()
    await expect(put).toBeDisabled()
    await page.keyboard.press('Control+k')
    await page.getByRole('searchbox').or(page.getByPlaceholder('Do or find…')).fill('Start MPS')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').getByRole('button', { name: 'Start MPS', exact: true }).click()
    await expect(put).toBeEnabled({ timeout: 20_000 })
  })
})

test.describe('with attached engines', () => {
  test('stopping names them, needs consent, and then is proven', async ({ product: { page } }) => {
    await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
    await page.keyboard.press('2')
    await page.getByRole('button', { name: 'Stop MPS', exact: true }).click()
    const dialog = page.getByRole('dialog')
    // before anything is asked for
    const clients = dialog.getByLabel('Attached clients')
    await expect(clients.getByText('alpha')).toBeVisible()
    await expect(clients.getByText('beta')).toBeVisible()
    await dialog.getByRole('button', { name: 'Stop MPS', exact: true }).click()
    await dialog.getByLabel('Force after, in seconds').fill('1')
    // the preview is of what the forced stop runs
    await expect(dialog.getByText(/quit -t 1\b/)).toBeVisible()
    await dialog.getByRole('button', { name: /forcing after 1 s/ }).click()
    await expect(page.getByText('No MPS daemon serves this GPU.')).toBeVisible()
    await expect(dialog).toBeHidden()
    await page.keyboard.press('4')
    await expect(page.getByText(/quit -t 1/).first()).toBeVisible()
  })
})

test('limits: shown apart, changed with a preview, kept over a restart of the daemon', async ({ product: { page } }) => {
  await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
  await page.keyboard.press('2')
  const limits = page.getByRole('table', { name: 'Limits' })
  const row = (of: RegExp) => limits.getByRole('row', { name: of })
  await expect(row(/^Default/)).toContainText('100 %')
  await expect(row(/^Server \d+/)).toContainText('100 %')
  await expect(row(/^alpha/)).toContainText('its ceiling: 100 % of the SMs')
  // the running server: for clients that come later
  await limits.getByRole('button', { name: 'Change limits of the server' }).click()
  await limits.getByLabel('SM share in percent').fill('30')
  await limits.getByRole('button', { name: 'Set' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText(/set_active_thread_percentage \d+ 30/)).toBeVisible()
  await dialog.getByRole('button', { name: "Set the server's limits" }).click()
  await expect(row(/^Server \d+/)).toContainText('30 %')
  await expect(row(/^Default/)).toContainText('100 %')
  await expect(row(/^alpha/)).toContainText('it keeps what it started with')
  // the default: for the next server, and every one after it
  await limits.getByRole('button', { name: 'Change default limits' }).click()
  await limits.getByLabel('SM share in percent').fill('60')
  await limits.getByLabel('Memory per process in MiB').fill('20480')
  await limits.getByRole('button', { name: 'Set' }).click()
  await expect(dialog.getByText(/set_default_device_pinned_mem_limit 0 20480M/)).toBeVisible()
  await dialog.getByRole('button', { name: 'Set default limits' }).click()
  await expect(row(/^Default/)).toContainText('Overlap sets 60 % and 20480 MiB at every start')
  await page.getByRole('button', { name: 'Restart MPS', exact: true }).click()
  await dialog.getByRole('button', { name: 'Restart MPS', exact: true }).click()
  await dialog.getByLabel('Force after, in seconds').fill('0')
  await expect(dialog.getByText(/set_default_device_pinned_mem_limit 0 20480M/)).toBeVisible()
  await dialog.getByRole('button', { name: /forcing/ }).click()
  await expect(row(/^Server \d+/)).toContainText('60 %')
  await expect(row(/^Server \d+/)).toContainText('20 GiB')
})
