// The first minute on a machine where one vLLM runs already and MPS does not: nothing is filled in, one button previews everything and does it.
import { expect, test } from '../product.ts'

test.use({ flags: { scene: 'found-engine' } })

test('an engine that somebody else started is found with its numbers, and one button puts it on MPS', async ({ product: { page } }) => {
  const name = 'Qwen2.5-0.5B-Instruct'
  const card = page.getByRole('list', { name: 'Engines that Overlap did not start' }).getByRole('listitem', { name })
  await expect(card.getByText('found', { exact: true })).toBeVisible()
  await expect(card.getByText(/^[\d,]{5,}$/)).toBeVisible()
  await expect(card.getByText('not on MPS: started before the daemon')).toBeVisible()
  await expect(page.getByText('1 found, not on MPS')).toBeVisible()
  await expect(card.getByText(/^\+\d+ … \+\d+ %$/)).toBeVisible()
  await expect(page.getByRole('region', { name: 'SM activity over kernel busy' })).toContainText(/SM activity\s*\d/)
  await expect(page.getByRole('region', { name: 'Tokens per second' })).toContainText(/Qwen2\.5.*\d,\d{3}/)

  await card.getByRole('button', { name: `Put ${name} on MPS` }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText(/start the MPS control daemon/)).toBeVisible()
  await expect(dialog.getByText(new RegExp(`ask ${name} and its processes to end`))).toBeVisible()
  await expect(dialog.getByText(new RegExp(`start engine ${name} with a keeper`))).toBeVisible()
  await dialog.getByRole('button', { name: `Put ${name} on MPS` }).click()
  await expect(page.getByText('1 of 1 engines attached')).toBeVisible({ timeout: 30_000 })
  const own = page.getByRole('list', { name: 'Engines', exact: true }).getByRole('listitem', { name })
  await expect(own.getByText('on MPS', { exact: true })).toBeVisible()
  await expect(own.getByText(/^[\d,]{5,}$/).first()).toBeVisible()
  await expect(card).toBeHidden()
})

test('taking it over runs nothing, and it goes on', async ({ product: { page } }) => {
  const found = page.getByRole('list', { name: 'Engines that Overlap did not start' })
  await found.getByRole('button', { name: 'Take over' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.getByText(/until its next start from here it is not restarted by itself/)).toBeVisible()
  // both commands, and what differs: vLLM listens for everybody unless told otherwise, which the next start says
  const marked = (name: string) => dialog.getByRole('article', { name }).locator('mark')
  await expect(marked('runs as').filter({ hasText: '5632M' })).toBeVisible()
  await expect(marked('will be started again as').filter({ hasText: '0.0.0.0' })).toBeVisible()
  await expect(marked('will be started again as').filter({ hasText: 'CUDA_VISIBLE_DEVICES=GPU-' })).toBeVisible()
  await expect(marked('runs as').filter({ hasText: '--port' })).toHaveCount(0)
  await dialog.getByRole('button', { name: /^Take over/ }).click()
  await expect(found).toBeHidden()
  const own = page.getByRole('list', { name: 'Engines', exact: true }).getByRole('listitem')
  await expect(own.getByText('ready')).toBeVisible()
  await expect(own.getByText('not on MPS', { exact: true })).toBeVisible()
})
