// A running core that says no, breaks off or is gone: always a Fault, never a bare error.
import { createServer, type Server } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FaultError } from '../shared/fault.ts'
import { RunningCore } from './runningCore.ts'

const held = { code: 'HELD', sentence: 'Another experiment runs.', hint: 'Cancel it first.', field: null, detail: null }
let state: string
let server: Server

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'overlap-door-'))
  server = createServer((request, response) => {
    if (request.method === 'POST') return void response.writeHead(409, { 'content-type': 'application/json' }).end(JSON.stringify(held))
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: message\ndata: {"stream":"a","seq":0,"item":1}\n\n: alive\n\nevent: message\ndata: {"stream":"a","seq":1,"item":2}\n\n')
    if (request.url?.endsWith('refused')) response.end(`event: error\ndata: ${JSON.stringify({ defined: true, code: 'HELD', status: 409, message: 'x', data: held })}\n\n`)
    else if (request.url?.endsWith('cut')) setImmediate(() => response.destroy())
    else response.end('event: done\ndata: \n\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  writeFileSync(join(state, 'core.json'), JSON.stringify({ pid: process.pid, startTicks: null, ready: true, port: (server.address() as AddressInfo).port, token: 't' }))
})
afterEach(() => {
  server.close()
  server.closeAllConnections()
  rmSync(state, { recursive: true })
})

const faultOf = async (work: Promise<unknown>) => {
  const thrown: unknown = await work.catch((error: unknown) => error)
  expect(thrown).toBeInstanceOf(FaultError)
  return (thrown as FaultError).fault
}
async function allOf(name: string, into: unknown[] = []): Promise<unknown[]> {
  for await (const item of (await RunningCore.find(state))!.items(name)) into.push(item)
  return into
}

it('hands on the Fault of a call, with its code', async () => {
  const core = await RunningCore.find(state)
  expect(await faultOf(core!.call('experiment.start', {}))).toEqual(held)
})

it('reads the items of a stream to its end', async () => expect(await allOf('a.whole')).toEqual([1, 2]))

it('throws what a stream ends with', async () => {
  const items: unknown[] = []
  expect(await faultOf(allOf('a.refused', items))).toEqual(held)
  expect(items).toEqual([1, 2])
})

it.each(['a.cut', 'gone'])('says that the link is lost: %s', async (name) => {
  const core = await RunningCore.find(state)
  if (name === 'gone') await new Promise((resolve) => server.close(resolve))
  expect(await faultOf(name === 'gone' ? core!.call('a.b') : allOf(name))).toMatchObject({ code: 'LINK_LOST' })
})
