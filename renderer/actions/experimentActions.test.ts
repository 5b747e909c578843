import { beforeEach, describe, expect, it } from 'vitest'
import { BAD_CHECKS, demoPlan, demoReport, runningAt, THREE_ARMS } from '../gallery/experiments.ts'
import type { Client } from '../link/connect.ts'
import { useExperiment } from '../state/experiment.ts'
import { useHold } from '../state/hold.ts'
import { askStagePlan, useStagePlan } from '../state/stagePlan.ts'
import { perform, useDialog, whyBlocked, type Action } from './action.ts'
import { cancelExperiment, experimentActions, rehearse, startExperiment } from './experimentActions.ts'

const hold = { experimentId: 'x', sentence: 'Held.', sinceMs: 0 }
const choice = { preset: 'demo', file: null, gpuUuid: 'GPU-a', engineId: 'e0', resumes: null }
const plain: Action = { id: 'mps.start/GPU-a', label: 'Start MPS', group: 'MPS', about: '', blocked: null, run: async () => ({}) }

beforeEach(() => {
  useHold.setState({ hold: null })
  useDialog.setState({ action: null })
  useExperiment.setState({ now: null })
})

describe('while an experiment holds the workstation', () => {
  it('what changes it is blocked with the reason; cancelling and looking are not', () => {
    expect(whyBlocked(plain, null)).toBeNull()
    expect(whyBlocked(plain, hold)).toMatch(/Cancel it first/)
    expect(whyBlocked({ ...plain, blocked: 'Own reason.' }, hold)).toBe('Own reason.')
    expect(whyBlocked(cancelExperiment('x'), hold)).toBeNull()
    expect(whyBlocked({ ...plain, immediate: true }, hold)).toBeNull()
  })
  it('a key opens no dialog for it', () => {
    useHold.setState({ hold })
    perform(plain, {} as Client)
    expect(useDialog.getState().action).toBeNull()
    perform(cancelExperiment('x'), {} as Client)
    expect(useDialog.getState().action?.id).toBe('experiment.cancel/x')
  })
})

describe('startExperiment', () => {
  it('shows its steps before anything is done', () => expect(startExperiment(choice, demoPlan()).steps).toContain('Starts MPS on this GPU, and stops it at the end.'))
  it('is blocked without a plan, by a refusal, by what it waits for', () => {
    expect(startExperiment(choice, null).blocked).not.toBeNull()
    expect(startExperiment(choice, demoPlan(THREE_ARMS, 0.2, { checks: BAD_CHECKS })).blocked).toMatch(/python3, pid 2210/)
    const waiting = demoPlan()
    expect(startExperiment(choice, { ...waiting, file: { ...waiting.file, waitsFor: 'an engine' } }).blocked).toMatch(/an engine/)
    expect(startExperiment(choice, demoPlan()).blocked).toBeNull()
  })
  it('has had its effect when another experiment is seen', () => {
    const seen = startExperiment(choice, demoPlan()).watch!()
    expect(seen()).toBe(false)
    useExperiment.setState({ now: runningAt(demoReport(), 0) })
    expect(seen()).toBe(true)
  })
})

describe('cancelExperiment', () => {
  it('has had its effect when that experiment is over', () => {
    const report = demoReport()
    useExperiment.setState({ now: runningAt(report, 0) })
    const seen = cancelExperiment(report.id).watch!()
    expect(seen()).toBe(false)
    useExperiment.setState({ now: runningAt(report, 1e9) })
    expect(seen()).toBe(true)
  })
})

describe('Ctrl-K', () => {
  const ids = (more: Partial<Parameters<typeof experimentActions>[0]>) => experimentActions({ running: null, reports: null, stage: null, replayId: null, ...more }).map(({ id }) => id.split('/')[0])
  const stage = { choice, key: null, plan: demoPlan(), asking: null, rehearsedAtMs: null, fault: null }
  it('offers what fits the moment', () => {
    expect(ids({})).toEqual(['view.showGain'])
    expect(ids({ stage })).toEqual(['view.showGain', 'experiment.rehearse', 'experiment.start'])
    expect(ids({ stage, running: 'x' })).toEqual(['view.showGain', 'experiment.cancel'])
    expect(ids({ stage, replayId: 'r' })).toEqual(['view.showGain', 'view.leaveRecording'])
  })
})

describe('askStagePlan', () => {
  it('only the newest answer counts, and a plan of another choice is gone at once', async () => {
    const answers: ((plan: ReturnType<typeof demoPlan>) => void)[] = []
    const client = { experiment: { plan: () => new Promise((resolve) => answers.push(resolve)) } } as unknown as Client
    const first = askStagePlan(client, choice, 'plan')
    const second = askStagePlan(client, { ...choice, engineId: 'e1' }, 'plan')
    answers[1]!(demoPlan(THREE_ARMS, 0.3))
    await second
    answers[0]!(demoPlan(THREE_ARMS, 0.1))
    await first
    expect(useStagePlan.getState().plan?.cells[0]?.predictions[2]?.gain?.likely).toBe(0.3)
    expect(useStagePlan.getState().choice?.engineId).toBe('e1')
    const third = askStagePlan(client, choice, 'plan')
    expect(useStagePlan.getState()).toMatchObject({ plan: null, asking: 'plan' })
    answers[2]!(demoPlan())
    await third
    expect(rehearse(null).blocked).not.toBeNull()
  })
})
