// The first screen: a living workstation, its numbers, what is wrong with them, and what happens when the core goes away.
import { expect, test } from '../product.ts'
import { openCore } from '../core.ts'

test.describe('two engines', () => {
  test('both are seen to work, on MPS, with their numbers, and nobody can take them for real', async ({ product: { page } }) => {
    await expect(page.getByText('Simulated workstation')).toBeVisible()
    for (const name of ['alpha', 'beta']) {
      const card = page.getByRole('listitem', { name })
      await expect(card.getByText('ready')).toBeVisible()
      await expect(card.getByText('on MPS', { exact: true })).toBeVisible()
      await expect(card.getByText(/^[\d,]{5,}$/).first()).toBeVisible()
    }
    await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
    await expect(page.getByRole('region', { name: 'SM activity over kernel busy' })).toContainText(/SM activity\s*\d/)
    await expect(page.locator('canvas')).toHaveCount(4)
  })

  test('screens are reached with keys, and everything to do with Ctrl-K', async ({ product: { page } }) => {
    await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
    for (const [key, heading] of [['2', /MPS on GPU 0/], ['3', /Engines/], ['4', /Commands/], ['8', /Browsers and scripts/], ['1', /SM activity over kernel busy/]] as const) {
      await page.keyboard.press(key)
      await expect(page.getByRole('heading', { name: heading }).last()).toBeVisible()
    }
    await page.keyboard.press('Control+k')
    await page.keyboard.type('Restart MPS')
    await expect(page.getByRole('dialog').getByText('Restart MPS')).toBeVisible()
  })

  test('keys work where a choice has the focus, and are typed where text has it', async ({ product: { page } }) => {
    await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
    await page.getByText('5 min', { exact: true }).click()
    await page.keyboard.press('Control+k')
    await page.getByRole('textbox', { name: 'Do or find' }).fill('Light appearance')
    await page.keyboard.press('Enter')
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'light')
    await page.getByText('1 min', { exact: true }).click()
    await page.keyboard.press('4')
    const filter = page.getByRole('textbox', { name: 'Filter commands' })
    await filter.click()
    await page.keyboard.press('1')
    await expect(filter).toHaveValue('1')
    await expect(page.getByRole('heading', { name: 'Commands' }).first()).toBeAttached()
  })

  test('the crosshair tells the time and is moved from the keyboard', async ({ product: { page } }) => {
    const moment = page.locator('.stripMoment')
    await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
    await page.getByRole('group', { name: /Crosshair/ }).focus()
    await page.keyboard.press('ArrowLeft')
    await expect(moment).toHaveText(/^\d\d:\d\d:\d\d/)
    await page.keyboard.press('Escape')
    await expect(moment).toBeHidden()
  })

  test('the Stage fills the screen, and Escape brings the bars back', async ({ product: { page } }) => {
    await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
    await page.keyboard.press('f')
    await expect(page.getByRole('heading', { name: 'The MPS gain of this engine' })).toBeVisible()
    await expect(page.getByRole('navigation', { name: 'Screens' })).toBeHidden()
    await expect(page.getByText('Simulated workstation')).toBeVisible()
    await page.keyboard.press('Escape')
    await expect(page.getByRole('navigation', { name: 'Screens' })).toBeVisible()
  })
})

test.describe('what is not known is said', () => {
  test.use({ flags: { scene: 'na-fields' } })
  test('a dash and a reason instead of a number; a lost GPU by name', async ({ product: { page } }) => {
    await expect(page.getByText('—').first()).toBeVisible()
    await expect(page.getByText(/does not report|not supported|no GPM/i).first()).toBeVisible()
    await expect(page.getByText(/GPU 1\b.*(lost|fallen off the bus)/i).first()).toBeVisible()
  })
})

test.describe('the link', () => {
  test('a lost core greys the page and says since when; a new one on the same port brings it back without a reload', async ({ product: { page, core } }) => {
    test.skip(core === null, 'on the desktop core and page are one program')
    await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
    const port = Number(new URL(core!.url).port)
    core!.signal('SIGKILL')
    await core!.exited
    await expect(page.getByText(/Link lost since \d\d:\d\d:\d\d/)).toBeVisible()
    await page.evaluate(() => Object.assign(window, { sameDocument: true }))
    // never opened before: its code cannot be fetched now
    await page.keyboard.press('7')
    await expect(page.getByText('Waiting for the link')).toBeVisible()
    const again = await openCore({ scene: 'two-engines', state: core!.state, port, env: { OVERLAP_TOKEN: core!.token } })
    await expect(page.getByText(/Link lost/)).toBeHidden()
    await expect(page.getByText('No report yet')).toBeVisible()
    await page.keyboard.press('1')
    // the engines outlived the core and were adopted
    await expect(page.getByText('2 of 2 engines attached')).toBeVisible()
    expect(await page.evaluate(() => 'sameDocument' in window)).toBe(true)
    await again.close()
  })
})
