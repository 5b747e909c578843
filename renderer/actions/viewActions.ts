// What can be done to the page itself: screens, spans, GPUs, panels. Nothing here touches the workstation, except asking nvidia-smi again.
import type { GpuIdentity } from '../../shared/gpu.ts'
import { openScreen, SCREENS, SPANS, useView, type Screen, type Span } from '../state/view.ts'
import type { Action } from './action.ts'

const view = (id: string, label: string, about: string, keys: string | undefined, run: () => void): Action =>
  ({ id: `view.${id}`, label, about, group: 'View', immediate: true, blocked: null, run, ...(keys === undefined ? {} : { keys }) })

const ABOUT: Record<Screen, [string, string]> = {
  live: ['Live', 'What the GPU and its engines do now.'],
  mps: ['MPS', 'The daemon, its servers and clients, and the proof.'],
  engines: ['Engines', 'Add, start, watch engines; read their logs.'],
  commands: ['Commands', 'Every command that Overlap ran.'],
  stage: ['Stage', 'The MPS gain, live: ways of sharing the GPU side by side.'],
  experiments: ['Experiments', 'What can be measured: presets, own files, their plans and progress.'],
  reports: ['Reports', 'What was measured: open, compare, export.'],
  settings: ['Settings', 'The door for browsers and scripts; where Overlap keeps its files.'],
}
export const SCREEN_LABEL = (screen: Screen): string => ABOUT[screen][0]

const spans = Object.keys(SPANS) as Span[]

export const viewActions: Action[] = [
  ...SCREENS.map((screen, at) => view(`screen/${screen}`, `Go to ${ABOUT[screen][0]}`, ABOUT[screen][1], String(at + 1), () => openScreen(screen))),
  ...spans.map((span) => view(`span/${span}`, `Show the last ${span}`, 'Time axis of the live strips.', undefined, () => { openScreen('live'); useView.setState({ span }) })),
  view('span/next', 'Next time span', '1 min, 5 min, 1 h.', 'S', () => useView.setState(({ span }) => ({ span: spans[(spans.indexOf(span) + 1) % spans.length]! }))),
  view('gpuPanel', 'GPU details', 'Every metric with its meaning, the processes, the nvidia-smi streams.', 'G', () => useView.setState(({ gpuPanelOpen }) => ({ gpuPanelOpen: !gpuPanelOpen }))),
]

export function gpuActions(identities: GpuIdentity[]): Action[] {
  return identities.map((gpu) => view(`gpu/${gpu.uuid}`, `Look at GPU ${gpu.index}`, gpu.name, undefined, () => useView.setState({ gpuUuid: gpu.uuid })))
}

export const retryGpu: Action = {
  id: 'gpu.retry', label: 'Ask nvidia-smi again', group: 'GPU', about: 'Starts the nvidia-smi streams again.', immediate: true, blocked: null,
  run: (client) => client.gpu.retry({}),
}
