// What this page looks at: screen, GPU, engine, span, open panels. The user writes it, never a stream.
import { create } from 'zustand'
import type { ExperimentFile } from '../../shared/experiment.ts'

/** In the order of their keys, 1 to 8. */
export const SCREENS = ['live', 'mps', 'engines', 'commands', 'stage', 'experiments', 'reports', 'settings'] as const
export type Screen = (typeof SCREENS)[number]

export const SPANS = { '1 min': 60_000, '5 min': 300_000, '1 h': 3_600_000 } as const
export type Span = keyof typeof SPANS

interface ViewStore {
  screen: Screen
  /** null: the first GPU. */
  gpuUuid: string | null
  engineId: string | null
  span: Span
  gpuPanelOpen: boolean
  /** 'new': a form for an engine to be added; an id: of one to be changed. */
  engineForm: 'new' | { id: string } | null
  /** An experiment that is being put together and has no name among the presets. */
  experimentDraft: ExperimentFile | null
  reportId: string | null
  /** The report that `reportId` is compared with. */
  compareId: string | null
  /** Name of the preset that the Stage offers; null: the demo. */
  stagePreset: string | null
  /** The report that is played back on the Stage; null: the Stage shows the present. */
  stageReplayId: string | null
  /** The run that is over and was put away on the Stage: the Stage shows the plan again. */
  stageSeenId: string | null
  /** The Stage alone on the screen, for a projector. */
  presenting: boolean
}
export const useView = create<ViewStore>(() => ({
  screen: 'live', gpuUuid: null, engineId: null, span: '1 min', gpuPanelOpen: false, engineForm: null,
  experimentDraft: null, reportId: null, compareId: null, stagePreset: null, stageReplayId: null, stageSeenId: null, presenting: false,
}))

/** The screen named by a URL fragment; 'live' for anything else. */
export function screenOf(fragment: string): Screen {
  const name = fragment.replace(/^#/, '')
  return SCREENS.find((screen) => screen === name) ?? 'live'
}

/** Shows a screen and writes it into the address, so that it can be linked to and gone back to. */
export function openScreen(screen: Screen): void {
  if (screenOf(location.hash) !== screen) history.pushState(null, '', `#${screen}`)
  useView.setState({ screen })
}

/** The Stage alone, as far as the browser lets it: where it refuses, all of the window. */
export function present(): void {
  openScreen('stage')
  useView.setState({ presenting: true })
  document.documentElement.requestFullscreen().catch(() => undefined)
}

export function stopPresenting(): void {
  if (!useView.getState().presenting) return
  useView.setState({ presenting: false })
  if (document.fullscreenElement !== null) document.exitFullscreen().catch(() => undefined)
}

/** Leaving full screen with the browser's own key ends it too; returns how to stop. */
export function followFullScreen(): () => void {
  const read = () => { if (document.fullscreenElement === null) useView.setState({ presenting: false }) }
  document.addEventListener('fullscreenchange', read)
  return () => document.removeEventListener('fullscreenchange', read)
}

/** Follows the address; returns how to stop. */
export function followAddress(): () => void {
  const read = () => useView.setState({ screen: screenOf(location.hash) })
  read()
  addEventListener('hashchange', read)
  addEventListener('popstate', read)
  return () => {
    removeEventListener('hashchange', read)
    removeEventListener('popstate', read)
  }
}
