// The product in a browser: Chromium, the headless core, a page.
import { chromium, type Browser, type BrowserContext } from '@playwright/test'
import { chromiumParts } from './parts/chromium.ts'

export async function openBrowser(): Promise<Browser> {
  const { executablePath, args } = await chromiumParts()
  return await chromium.launch({ executablePath, args: [...args] })
}

export const openContext = (browser: Browser, scheme: 'dark' | 'light' = 'dark'): Promise<BrowserContext> =>
  browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: scheme, permissions: ['clipboard-read', 'clipboard-write'] })
