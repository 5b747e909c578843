// The caller's end of a link, for the page, tests and benchmarks: calls that fail with Faults, streams that acknowledge.
// Works over any oRPC link; knows no transport.
import { createORPCClient, ORPCError, type ClientLink } from '@orpc/client'
import type { ContractRouterClient } from '@orpc/contract'
import { PACE, type Contract } from '../../shared/contract.ts'
import { Fault, FaultError } from '../../shared/fault.ts'

export type Client = ContractRouterClient<Contract>

export interface StreamItem<Item> {
  stream: string
  seq: number
  dropped: number
  item: Item
}

export const linkLost = (): FaultError =>
  new FaultError('LINK_LOST', 'The connection to the workstation is lost.', 'It is tried again by itself; look whether Overlap still runs there.')

/** What a call failed with, as a FaultError. What the link itself throws when it dies is LINK_LOST. */
export function callFault(thrown: unknown): unknown {
  if (thrown instanceof FaultError) return thrown
  if (thrown instanceof ORPCError) {
    const fault = Fault.safeParse(thrown.data)
    if (fault.success) return FaultError.of(fault.data, thrown)
    return new FaultError('BUG', 'The workstation answered with an error it has no words for.', 'Please report it.', { detail: `${thrown.code}: ${thrown.message}`, cause: thrown })
  }
  return linkLost()
}

/** `interceptors` of the link options: put there, every failed call is a FaultError. */
export const faultInterceptor = async <Answer>(options: { next(): Promise<Answer> }): Promise<Answer> => {
  try {
    return await options.next()
  } catch (thrown) {
    throw callFault(thrown)
  }
}

export const clientOf = (link: ClientLink<Record<never, never>>): Client => createORPCClient<Client>(link)

/** Reads a stream to its end, acknowledging every few items. Throws FaultError when the link dies. */
export async function readStream<Item>(
  client: Client,
  open: (client: Client, signal: AbortSignal) => Promise<AsyncIterable<StreamItem<Item>>>,
  onItem: (item: Item, dropped: number) => void,
  signal: AbortSignal,
): Promise<void> {
  let stream = ''
  let seq = 0
  let acknowledged = 0
  try {
    for await (const item of await open(client, signal)) {
      stream = item.stream
      seq = item.seq
      onItem(item.item, item.dropped)
      if (seq - acknowledged >= PACE.acknowledgeEvery) {
        acknowledged = seq
        client.link.acknowledge({ stream, seq }).catch(() => {}) // a lost link shows itself in the iteration
      }
    }
  } catch (thrown) {
    if (signal.aborted) return
    throw callFault(thrown)
  }
}
