// TCP ports of this machine, asked by binding: the answer is true at that moment only.
import { createServer } from 'node:net'
import { FaultError } from '../../../shared/fault.ts'

const LOOPBACK = '127.0.0.1'

/** A port that nobody listens on now. Another program may take it before its user does: start, and look whether it is ours. Throws PORT_TAKEN. */
export async function freePort(): Promise<number> {
  const port = await bind(0)
  if (port === null) throw new FaultError('PORT_TAKEN', 'No TCP port is free on this machine.', 'End programs that hold many connections, then try again.')
  return port
}

/** Whether somebody listens on it, at 127.0.0.1 or at every address. */
export async function portTaken(port: number): Promise<boolean> {
  return (await bind(port)) === null
}

/** The port that was bound and let go; null: it is in use. */
function bind(port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)))
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : null))
    })
  })
}
