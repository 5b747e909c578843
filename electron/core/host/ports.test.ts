import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { freePort, portTaken } from './ports.ts'

describe('ports', () => {
  it.each(['127.0.0.1', '0.0.0.0'])('sees a listener at %s, and that it is gone', async (address) => {
    const port = await freePort()
    expect(await portTaken(port)).toBe(false)
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, address, resolve))
    expect(await portTaken(port)).toBe(true)
    await new Promise((resolve) => server.close(resolve))
    expect(await portTaken(port)).toBe(false)
  })
})
