// A core for one command, where the state folder has a core already.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { AbstractLock, stateLock } from './core/host/abstractLock.ts'
import { Procfs } from './core/host/procfs.ts'
import { writeWhole } from './core/store/wholeFile.ts'
import { readFlags } from './flags.ts'
import { OwnCore } from './ownCore.ts'

it('says how a desktop whose door is closed can be reached', async () => {
  const state = mkdtempSync(join(tmpdir(), 'overlap-own-'))
  const folder = join(state, 'sim/mps-off')
  const lock = await AbstractLock.take(stateLock(folder), { timeoutMs: 5_000 })
  try {
    await writeWhole(join(folder, 'core.json'), { pid: process.pid, startTicks: new Procfs().processStat(process.pid)!.startTicks, version: '0', ready: true, port: null, token: null })
    await expect(OwnCore.open(readFlags(['--state', state, '--scene', 'mps-off']), join(import.meta.dirname, '..'), new AbortController().signal))
      .rejects.toMatchObject({ fault: { code: 'HELD', hint: expect.stringContaining('open its door in Settings') as unknown } })
  } finally {
    await lock?.release()
    rmSync(state, { recursive: true, force: true })
  }
})
