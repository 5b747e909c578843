// Putting a found engine on MPS: one call, whose steps come one after another and leave nothing half done that was refused.
import { expect, it } from 'vitest'
import type { Hold } from '../../shared/experiment.ts'
import { FaultError } from '../../shared/fault.ts'
import type { ProcessTable } from './host/processTable.ts'
import { HandClock } from './kit/clock.ts'
import { silentLog } from './kit/log.ts'
import { Topic } from './kit/topic.ts'
import { FoundEngines, type FoundEnginesParts } from './foundEngines.ts'

const GPU = 'GPU-00000000-0000-0000-0000-000000000001'
const HOLD: Hold = { experimentId: 'x', sentence: 'The experiment “x” holds the workstation.', sinceMs: 0 }

/** A vLLM on the only GPU. `start`: what starting MPS does. */
function workstation({ onMps, start = () => {}, gpus = [GPU] }: { onMps: boolean; start?: (hold: Topic<Hold | null>) => void; gpus?: string[] }) {
  const done: string[] = []
  const hold = new Topic<Hold | null>(null)
  const table: ProcessTable = new Map([[7, { pid: 7, ppid: 1, comm: 'vllm', state: 'S', processGroup: 7, session: 7, cpuSeconds: 0, threads: 1, startTicks: 5, residentBytes: 0, readAtMs: 0 }]])
  const parts = {
    host: { preview: (command: object) => command, environment: {} }, clock: new HandClock(), log: silentLog, tools: { env: {} }, stateDirectory: '/state', presetsFolder: '/nowhere', programs: { keeper: '' }, uid: 1000, hold,
    procfs: {
      commandLine: () => ['/opt/bin/vllm', 'serve', 'some/model', '--port', '8000'], environmentOf: () => ({}), workingDirectory: () => '/', uidOf: () => 1000, timeOf: () => 0, ageMs: () => 0,
      sharesOurWorld: () => true, serviceOf: () => null, listeningPorts: () => [8000], processTree: () => [7], isAlive: () => true, bootId: () => 'boot',
    },
    gpu: { identities: new Topic(gpus.map((uuid) => ({ uuid }))) },
    mps: {
      environment: () => (onMps ? { pipeDirectory: '/pipe', daemonPid: 9 } : null),
      on: () => ({ start: async () => { done.push('start MPS'); start(hold) } }),
    },
    engines: { facts: [], takeIn: async () => { done.push('take in'); return 'e1' }, putOnMps: async (id: string) => { done.push(`put ${id} on MPS`) } },
  } as unknown as FoundEnginesParts
  const found = new FoundEngines(parts)
  found.tick({ table, gpuProcesses: [], daemons: [], uid: 1000 })
  const one = found.found.value[0]
  expect(one).toMatchObject({ name: 'model', obstacle: null })
  return { found, done, putOnMps: () => found.putOnMps(one!.id) }
}

it.each([['a daemon that is there', true, []], ['a daemon that is started first', false, ['start MPS']]])('is taken over and put on MPS, under %s', async (_, onMps, before) => {
  const { found, done, putOnMps } = workstation({ onMps })
  expect(await putOnMps()).toBe('e1')
  expect(done).toEqual([...before, 'take in', 'put e1 on MPS'])
  expect(found.found.value).toEqual([])
  await expect(putOnMps()).rejects.toMatchObject({ fault: { code: 'NOT_FOUND' } })
})

it('shows how it runs and how it will be started again, secrets masked by the host, and runs nothing', () => {
  const { found, done } = workstation({ onMps: false })
  const { runs, startsAgain } = found.previewTakeIn(found.found.value[0]!.id)
  expect(runs).toMatchObject({ argv: ['/opt/bin/vllm', 'serve', 'some/model', '--port', '8000'], cwd: '/', env: {} })
  expect(startsAgain.argv).toEqual(['/opt/bin/vllm', 'serve', 'some/model', '--port', '8000', '--host', '0.0.0.0'])
  expect(startsAgain).toMatchObject({ cwd: '/', env: { CUDA_VISIBLE_DEVICES: GPU, CUDA_MPS_PIPE_DIRECTORY: expect.stringMatching(/^\/state\/engines\/.*no-mps$/) } })
  expect(done).toEqual([])
})

it.each<[string, (hold: Topic<Hold | null>) => void, string]>([
  ['MPS cannot be started', () => { throw new FaultError('MPS_NO_PROOF', 'No server.', 'Look at its log.') }, 'MPS_NO_PROOF'],
  ['an experiment took the hold while MPS started', (hold) => hold.set(HOLD), 'HELD'],
])('stays as it was when %s', async (_, start, code) => {
  const { found, done, putOnMps } = workstation({ onMps: false, start })
  await expect(putOnMps()).rejects.toMatchObject({ fault: { code } })
  expect(done).toEqual(['start MPS'])
  expect(found.found.value).toHaveLength(1)
})

it('is refused before anything is done when its GPU is not known', async () => {
  const { done, putOnMps } = workstation({ onMps: false, gpus: [GPU, 'GPU-2'] })
  await expect(putOnMps()).rejects.toMatchObject({ fault: { code: 'BAD_INPUT', field: 'id' } })
  expect(done).toEqual([])
})
