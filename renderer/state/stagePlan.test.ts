import { beforeEach, expect, it } from 'vitest'
import type { ExperimentChoice, Plan } from '../../shared/experiment.ts'
import type { Client } from '../link/connect.ts'
import { demoPlan } from '../gallery/experiments.ts'
import { askStagePlan, planStage, useStagePlan } from './stagePlan.ts'

const choice: ExperimentChoice = { preset: 'demo', file: null, gpuUuid: 'GPU-0', engineId: 'e1', resumes: null }
const asked: string[] = []
const answering = (how: string) => (): Promise<Plan> => { asked.push(how); return Promise.resolve(demoPlan()) }
const client = { experiment: { plan: answering('plan'), rehearse: answering('rehearse') } } as unknown as Client

beforeEach(() => {
  asked.length = 0
  useStagePlan.setState({ choice: null, key: null, plan: null, asking: null, rehearsedAtMs: null, fault: null })
})

it('a rehearsal stands until the choice, or what its plan would find, changes', async () => {
  await planStage(client, choice, 'demo, two engines ready')
  expect(useStagePlan.getState().rehearsedAtMs).toBeNull()
  const rehearsal = askStagePlan(client, choice, 'rehearse')
  await planStage(client, choice, 'demo, two engines ready')
  await rehearsal
  expect(useStagePlan.getState().rehearsedAtMs).not.toBeNull()
  await planStage(client, choice, 'demo, two engines ready')
  expect(useStagePlan.getState().rehearsedAtMs).not.toBeNull()
  await planStage(client, choice, 'demo, one engine ready')
  expect(useStagePlan.getState().rehearsedAtMs).toBeNull()
  expect(asked).toEqual(['plan', 'rehearse', 'plan'])
})
