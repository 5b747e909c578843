// The product as a desktop window: Electron itself, where its binary is to be had.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { _electron, type Page } from '@playwright/test'
import { endLeftovers, root, type CoreFlags } from './core.ts'

export async function openDesktop(flags: CoreFlags): Promise<{ page: Page; close(): Promise<void> }> {
  const state = flags.state ?? (await mkdtemp(join(tmpdir(), 'ov-')))
  const desktop = await _electron.launch({ args: [root, '--state', state, ...(flags.scene ? ['--scene', flags.scene] : [])], cwd: root, env: { ...process.env, ...flags.env } as Record<string, string> })
  const page = await desktop.firstWindow()
  return {
    page,
    async close() {
      await desktop.close()
      await endLeftovers(state)
      if (flags.state === undefined) await rm(state, { recursive: true, force: true })
    },
  }
}
