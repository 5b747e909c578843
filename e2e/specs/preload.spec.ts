// The desktop's preload script and the page's port, without Electron: the built preload runs in Chromium over a stand-in for
// ipcRenderer, whose other end is a real MessagePort of a core in this process.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { test as playwright } from '@playwright/test'
import { PortLink, type Port } from '../../electron/app/portLink.ts'
import { answers } from '../../electron/core/answers.ts'
import { systemClock } from '../../electron/core/kit/clock.ts'
import { silentLog } from '../../electron/core/kit/log.ts'
import { WebServer } from '../../electron/web/server.ts'
import { stand } from '../../electron/web/stand.testkit.ts'
import { openBrowser, openContext } from '../browser.ts'
import { root } from '../core.ts'

const { expect } = playwright

playwright('the preload hands over one port and nothing else; the page lives on it and is given a new one after a reload', async ({}, info) => {
  playwright.skip(info.project.metadata['face'] === 'desktop', 'Electron runs the real one there')
  const folder = await mkdtemp(join(tmpdir(), 'ov-'))
  const built = spawnSync(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '--mode', 'preload', '--outDir', folder, '--emptyOutDir', '--logLevel', 'warn'], { cwd: root, encoding: 'utf8' })
  expect(built.stderr + built.stdout).toBe('')
  const preload = await readFile(join(folder, 'preload.cjs'), 'utf8')

  const world = stand()
  const link = new PortLink(answers(world, silentLog))
  const server = new WebServer({ answers: answers(world, silentLog), token: 'not-used-in-this-spec', pageFolder: join(root, 'dist/page'), version: '0', clock: systemClock, log: silentLog })
  const port = await server.listen(0)
  const browser = await openBrowser()
  const context = await openContext(browser)
  const page = await context.newPage()

  const ports: MessagePort[] = []
  await context.exposeFunction('sendToCore', (index: number, message: string) => ports[index]!.postMessage(message))
  await context.exposeFunction('askForPort', () => {
    const { port1, port2 } = new MessageChannel()
    const index = ports.push(port2) - 1
    link.accept(port1 as unknown as Port)
    port1.start()
    port2.on('message', (message: string) => void page.evaluate(([at, text]) => (window as unknown as { fromCore: Record<number, (text: string) => void> }).fromCore[at]?.(text), [index, message] as const).catch(() => {}))
    return index
  })
  await context.addInitScript((script) => {
    const shared = window as unknown as { fromCore: Record<number, (text: string) => void>; askForPort(): Promise<number>; sendToCore(index: number, message: string): void; given: string[] }
    shared.fromCore = {}
    const listeners: Record<string, (event: { ports: globalThis.MessagePort[] }) => void> = {}
    const ipcRenderer = {
      on: (name: string, read: (event: { ports: globalThis.MessagePort[] }) => void) => (listeners[name] = read),
      async send(name: string) {
        if (name !== 'overlap.page') throw new Error(`unexpected message ${name}`)
        const { port1, port2 } = new window.MessageChannel()
        const index = await shared.askForPort()
        port1.addEventListener('message', (event) => shared.sendToCore(index, event.data as string))
        shared.fromCore[index] = (text) => port1.postMessage(text)
        port1.start()
        listeners['overlap.port']?.({ ports: [port2] })
      },
    }
    const before = new Set(Object.getOwnPropertyNames(window))
    new Function('require', 'module', 'exports', script)((name: string) => {
      if (name !== 'electron') throw new Error(`the preload asked for ${name}`)
      return { ipcRenderer }
    }, {}, {})
    shared.given = Object.getOwnPropertyNames(window).filter((name) => !before.has(name))
  }, preload)

  await page.goto(`http://127.0.0.1:${port}/`)
  await expect(page.getByText('stand').first()).toBeVisible()
  expect(await page.evaluate(() => (window as unknown as { given: string[] }).given.filter((name) => name !== 'given'))).toEqual([])
  // over a port, so from the desktop: the door for scripts is opened from Settings
  await page.keyboard.press('8')
  await expect(page.getByText('Closed: Overlap does not listen')).toBeVisible()
  await page.getByRole('button', { name: 'Open for browsers and scripts' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Open for browsers and scripts' }).click()
  await expect(page.getByText('http://127.0.0.1:1/#token=…', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Copy: Address' }).click()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('http://127.0.0.1:1/#token=of-the-stand')
  await page.getByRole('button', { name: 'Close for browsers and scripts' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Close for browsers and scripts' }).click()
  await expect(page.getByText('Closed: Overlap does not listen')).toBeVisible()
  await page.reload()
  await expect(page.getByText('stand').first()).toBeVisible()
  expect(ports).toHaveLength(2)

  await browser.close()
  for (const open of ports) open.close()
  await server.close()
  await rm(folder, { recursive: true, force: true })
})
