// The door that Settings opens: when it cannot be told of or remembered, it is not left open behind the user's back.
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { silentLog } from './core/kit/log.ts'
import type { Opened } from './opening.ts'
import { PlainHttpDoor } from './plainHttp.ts'

const listens = (port: number) => new Promise<boolean>((resolve) => {
  const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
  socket.on('connect', () => socket.destroy())
})

it.each(['announce', 'remember'] as const)('when %s fails, nothing listens and it says so', async (failing) => {
  const told: number[] = []
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  const opened = {
    log: silentLog,
    announce: async (door: { port: number } | null) => {
      if (door) told.push(door.port)
      if (door && failing === 'announce') throw full
    },
    workstation: { rememberPlainHttp: async () => { if (failing === 'remember') throw full } },
  } as unknown as Opened
  const door = new PlainHttpDoor({ opened, port: 0, token: 'a-token-of-a-test-0123456789', pageFolder: tmpdir(), canClose: true })
  await expect(door.set(true)).rejects.toBe(full)
  expect(door.now.value).toEqual({ address: null, canClose: true })
  expect(told).toHaveLength(1)
  expect(await listens(told[0]!)).toBe(false)
})
