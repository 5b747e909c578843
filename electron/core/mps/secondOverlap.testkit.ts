// Another Overlap, in a process of its own, that talks to the same daemon. Run as an executable.
import { systemClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import type { Tools } from '../host/host.ts'
import { LocalHost } from '../host/localHost.ts'
import { setDefaults } from './control.ts'
import { ControlChannel } from './controlChannel.ts'

const { tools, pipe, first, calls } = JSON.parse(process.argv[2] ?? '') as { tools: Tools; pipe: string; first: number; calls: number }
const channel = new ControlChannel({ host: new LocalHost({ log: silentLog }), tools, clock: systemClock, pipeDirectory: pipe })
let right = 0
for (let call = 0; call < calls; call += 1) {
  const value = first + call / 10
  const { echoed, sharePercent } = await channel.ask(setDefaults({ sharePercent: value, pinnedMemoryMiB: null }, null), 'set and read, from another Overlap')
  if (echoed === Number(value.toFixed(1)) && sharePercent === echoed) right += 1
}
process.stdout.write(JSON.stringify({ right, repeats: channel.repeats }))
