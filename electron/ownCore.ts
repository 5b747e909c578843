// A core for as long as one command needs it: the same calls as through a link, without one. For programs without a face.
import { createRouterClient } from '@orpc/server'
import { PACE } from '../shared/contract.ts'
import type { Engine } from '../shared/engine.ts'
import { FaultError, type Fault } from '../shared/fault.ts'
import type { GpuFrame, GpuIdentity } from '../shared/gpu.ts'
import type { MpsDaemon } from '../shared/mps.ts'
import { answers } from './core/answers.ts'
import { systemClock } from './core/kit/clock.ts'
import { ReaderLink } from './core/kit/paced.ts'
import type { Flags } from './flags.ts'
import { openWorkstation, type Opened } from './opening.ts'
import type { Door } from './runningCore.ts'

/** The first GPU and engines that are on their way are waited for this long. */
const SETTLED_MS = 90_000

type Calls = Record<string, Record<string, (input: unknown) => Promise<unknown>>>

export class OwnCore implements Door {
  readonly #opened: Opened
  readonly #calls: Calls

  private constructor(opened: Opened) {
    this.#opened = opened
    const link = new ReaderLink({ acknowledges: false, unacknowledged: PACE.unacknowledged })
    this.#calls = createRouterClient(answers(opened.workstation, opened.log), { context: { link } }) as unknown as Calls
  }

  /** Null: told to end meanwhile. `throwaway` as in openWorkstation. Throws FaultError HELD where another core has the state folder. */
  static async open(flags: Flags, root: string, ended: AbortSignal, throwaway: string | null = null): Promise<OwnCore | null> {
    const result = await openWorkstation(flags, root, ended, throwaway)
    if (result === null) return null
    if ('elsewhere' in result) throw new FaultError('HELD', 'Another Overlap has this state folder.', 'End it, or open its door in Settings (key 8), or choose another folder with --state DIR.')
    const { opened } = result
    opened.workstation.begin()
    await opened.workstation.opened
    return new OwnCore(opened)
  }

  async call<Answer>(name: string, input?: unknown): Promise<Answer> {
    try {
      const [group = '', call = ''] = name.split('.')
      return (await this.#calls[group]![call]!(input)) as Answer
    } catch (thrown) {
      const fault = (thrown as { data?: Fault }).data
      throw fault?.sentence ? FaultError.of(fault) : thrown
    }
  }

  async *items<Item>(name: string, input: unknown = {}): AsyncGenerator<Item> {
    for await (const { item } of await this.call<AsyncIterable<{ item: Item }>>(name, input)) yield item
  }

  /** Ends what it started, except real engines and what they use. Engines of a scene came with it, unless an earlier Overlap left them running. */
  async close(): Promise<void> {
    const { workstation, close } = this.#opened
    const leftByAnother = workstation.runningEngines().some(({ adopted }) => adopted)
    if (workstation.greeting().simulated && !leftByAnother) await workstation.stopEngines()
    await close()
  }
}

/** The first item that is settled, or whatever there is when the time is up. Null: nothing came. */
async function wait<Item>(items: AsyncGenerator<Item>, isSettled: (item: Item) => boolean, over: Promise<null>): Promise<Item | null> {
  for (let last: Item | null = null; ;) {
    const next: IteratorResult<Item> | null = await Promise.race([items.next(), over])
    if (next === null || next.done) return last
    last = next.value
    if (isSettled(last)) return last
  }
}

/** Until the GPU is watched and neither MPS nor an engine is on its way; or until the time is up, or `ended`. The engines. */
export async function settled(door: Door, ended: AbortSignal): Promise<Engine[]> {
  const over = systemClock.sleep(SETTLED_MS, ended).then(() => null)
  await wait(door.items<GpuIdentity[]>('gpu.identities'), (identities) => identities.length > 0, over)
  await wait(door.items<GpuFrame | null>('gpu.frames'), (frame) => frame !== null && !frame.streams.some(({ state }) => state === 'starting'), over)
  await wait(door.items<MpsDaemon[]>('mps.daemons'), (daemons) => daemons.length > 0 && !daemons.some(({ state }) => ['starting', 'stopping', 'draining', 'unknown'].includes(state)), over)
  return (await wait(door.items<Engine[]>('engine.list'), (list) => !list.some(({ state }) => ['waiting', 'starting', 'draining', 'stopping'].includes(state)), over)) ?? []
}
