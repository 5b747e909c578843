// What can be done to the page itself: screens, spans, GPUs, panels. Nothing here touches the workstation, except asking nvidia-smi again.
import type { MantineColorScheme } from '@mantine/core'
import type { GpuIdentity } from '../../shared/gpu.ts'
import { openScreen, present, SCREENS, SPANS, stopPresenting, useView, type Screen, type Span } from '../state/view.ts'
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

export const fillScreen: Action = view('present', 'Fill the screen with the Stage', 'For a projector: no bars around it. Escape, or F again, brings them back.', 'F', () => (useView.getState().presenting && useView.getState().screen === 'stage' ? stopPresenting() : present()))

const APPEARANCES: Record<MantineColorScheme, string> = { dark: 'Dark appearance', light: 'Light appearance', auto: 'Appearance as the system' }

export function appearanceActions(set: (scheme: MantineColorScheme) => void): Action[] {
  return (Object.keys(APPEARANCES) as MantineColorScheme[]).map((scheme) => view(`appearance/${scheme}`, APPEARANCES[scheme], 'Theme: light or dark colours of this page.', undefined, () => set(scheme)))
}

export function gpuActions(identities: GpuIdentity[]): Action[] {
  return identities.map((gpu) => view(`gpu/${gpu.uuid}`, `Look at GPU ${gpu.index}`, gpu.name, undefined, () => useView.setState({ gpuUuid: gpu.uuid })))
}

export const retryGpu: Action = {
  id: 'gpu.retry', label: 'Ask nvidia-smi again', group: 'GPU', about: 'Starts the nvidia-smi streams again.', immediate: true, blocked: null,
  run: (client) => client.gpu.retry({}),
}
