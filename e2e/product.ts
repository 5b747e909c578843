// The product as its user meets it: opened in a browser or as a desktop window, one page. The specs do not know which.
import { test as playwright, type Page } from '@playwright/test'
import { openBrowser, openContext } from './browser.ts'
import { openCore, type Core, type CoreFlags } from './core.ts'
import { openDesktop } from './desktop.ts'

export interface Product {
  page: Page
  /** The core behind the page; null on the desktop, whose core is in the same program. */
  core: Core | null
  /** Everything the page complained about: policy violations, exceptions, errors. Checked at the end of every spec. */
  complaints: string[]
}

export const test = playwright.extend<{ flags: CoreFlags; product: Product }>({
  flags: [{ scene: 'two-engines' }, { option: true }],
  product: async ({ flags }, use, info) => {
    const complaints: string[] = []
    if (info.project.metadata['face'] === 'desktop') {
      const desktop = await openDesktop(flags)
      watch(desktop.page, complaints)
      await use({ page: desktop.page, core: null, complaints })
      await desktop.close()
    } else {
      const core = await openCore(flags)
      const browser = await openBrowser()
      const page = await (await openContext(browser)).newPage()
      watch(page, complaints)
      await page.goto(`${core.url}#token=${core.token}`)
      await use({ page, core, complaints })
      await browser.close()
      await core.close()
    }
    playwright.expect(complaints, 'the page complained').toEqual([])
  },
})
export const { expect } = playwright

function watch(page: Page, complaints: string[]): void {
  page.on('console', (message) => {
    // a lost link is a subject of these specs, not a complaint
    if (message.type() === 'error' && !/ERR_CONNECTION_REFUSED|WebSocket connection to/.test(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
}
