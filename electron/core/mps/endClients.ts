// Ends the GPU work of clients, not their processes: before a SIGKILL, so that their neighbours live on.
import { FaultError } from '../../../shared/fault.ts'
import type { Work } from './bringUp.ts'
import { terminateClient } from './control.ts'

export async function endClients({ look, target }: Work, pids: readonly number[]): Promise<void> {
  const { clients } = await look('now')
  const failed: number[] = []
  for (const { pid, serverPid } of clients.filter((client) => pids.includes(client.pid))) {
    const end = await target.channel.ask(terminateClient(serverPid, pid), `end the GPU work of process ${pid}`, 'kept')
    if (end === 'failed') failed.push(pid)
  }
  await look('now')
  if (failed.length > 0) throw new FaultError('COMMAND_FAILED', `MPS could not end the GPU work of ${failed.map((pid) => `pid ${pid}`).join(', ')}.`, 'It may have ended by itself; server.log says more.')
}
