// App: the shell around the screens: ribbon, link bar, top bar, rail, foot bar; Ctrl-K and keys.
import { useMantineColorScheme } from '@mantine/core'
import { useHotkeys, type HotkeyItem } from '@mantine/hooks'
import { Spotlight } from '@mantine/spotlight'
import { IconActivity, IconBolt, IconFlask2, IconPresentation, IconReportAnalytics, IconSearch, IconServer2, IconSettings, IconTerminal2 } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { perform, useDialog, type Action } from '../actions/action.ts'
import { ActionDialog } from '../actions/ActionDialog.tsx'
import { useActions } from '../actions/useActions.ts'
import { appearanceActions, SCREEN_LABEL } from '../actions/viewActions.ts'
import { Sheltered } from '../parts/Sheltered.tsx'
import { takesLetters } from '../parts/takesLetters.ts'
import { useConnection } from '../state/connection.ts'
import { useStale } from '../state/link.ts'
import { followAddress, followFullScreen, openScreen, SCREENS, stopPresenting, useView, type Screen } from '../state/view.ts'
import { Commands } from './Commands.tsx'
import { Engines } from './Engines.tsx'
import { FootBar } from './FootBar.tsx'
import { GpuPanel } from './GpuPanel.tsx'
import { LinkBar, SimulatedRibbon } from './LinkBar.tsx'
import { late } from './late.tsx'
import { Live } from './Live.tsx'
import { Mps } from './Mps.tsx'
import { HoldBar } from './HoldBar.tsx'
import { Settings } from './Settings.tsx'
import { Stage } from './Stage.tsx'
import { TopBar } from './TopBar.tsx'

// screens with charts are fetched when they are first opened: Live does not wait for them
const Experiments = late(() => import('./Experiments.tsx').then((file) => file.Experiments))
const Reports = late(() => import('./Reports.tsx').then((file) => file.Reports))

const SHOWN: Record<Screen, React.ComponentType> = { live: Live, mps: Mps, engines: Engines, commands: Commands, stage: Stage, experiments: Experiments, reports: Reports, settings: Settings }
const ICONS: Record<Screen, typeof IconActivity> = {
  live: IconActivity, mps: IconBolt, engines: IconServer2, commands: IconTerminal2, stage: IconPresentation, experiments: IconFlask2, reports: IconReportAnalytics, settings: IconSettings,
}

export function App() {
  const screen = useView((view) => view.screen)
  const stale = useStale()
  const presenting = useView((view) => view.presenting && view.screen === 'stage')
  useEffect(followAddress, [])
  useEffect(followFullScreen, [])
  const Shown = SHOWN[screen]
  return (
    <div className="shell" data-presenting={presenting || undefined}>
      <SimulatedRibbon />
      <LinkBar />
      <HoldBar />
      <TopBar />
      <Rail current={screen} />
      <main className={`screen ${stale ? 'stale' : ''}`} aria-label={SCREEN_LABEL(screen)}>
        {screen !== 'stage' && <h1 className="unseen">{SCREEN_LABEL(screen)}</h1>}
        <Sheltered key={screen} what={`The screen ${SCREEN_LABEL(screen)}`}><Shown /></Sheltered>
      </main>
      <FootBar />
      <ActionDialog />
      <GpuPanel />
      <Keys />
    </div>
  )
}

function Rail({ current }: { current: Screen }) {
  return (
    <nav className="rail" aria-label="Screens">
      {SCREENS.map((screen, at) => {
        const Icon = ICONS[screen]
        return (
          <a key={screen} className="railLink" href={`#${screen}`} aria-current={screen === current ? 'page' : undefined} title={`${SCREEN_LABEL(screen)} (${at + 1})`}
            onClick={(event) => { event.preventDefault(); openScreen(screen) }}>
            <Icon size={19} stroke={1.5} aria-hidden="true" />{SCREEN_LABEL(screen)}
          </a>
        )
      })}
    </nav>
  )
}

/** Beyond this one types on. */
const MOST_FOUND = 100

/** A fast hand types before the search has the focus: what lies over the page has the keys. */
const searching = { now: false }

/** Ctrl-K and single keys; both run the records that buttons run. */
function Keys() {
  const { client } = useConnection()
  const { setColorScheme } = useMantineColorScheme()
  const judged = useActions()
  const actions = [...judged.filter(({ blocked }) => blocked === null), ...appearanceActions(setColorScheme)]
  // what cannot be done now is found with its reason, by whoever asks for it
  const [query, setQuery] = useState('')
  const found = query.trim() === '' ? actions : [...actions, ...judged.filter(({ blocked }) => blocked !== null)]
  const keyOf = (action: Action) => (event: KeyboardEvent) => {
    if (takesLetters(event.target) || searching.now || useDialog.getState().action !== null) return
    event.preventDefault()
    perform(action, client)
  }
  // not by tag, as Mantine would: a focused radio or checkbox is an input too, and takes no letters
  useHotkeys([...actions.filter((action) => action.keys !== undefined).map((action): HotkeyItem => [action.keys!, keyOf(action), { preventDefault: false }]), ['Escape', stopPresenting, { preventDefault: false }]], [])
  return (
    <Spotlight
      onSpotlightOpen={() => { searching.now = true }} onSpotlightClose={() => { searching.now = false }}
      shortcut="mod + K" tagsToIgnore={[]} highlightQuery limit={MOST_FOUND} nothingFound="Nothing of that name." scrollAreaProps={{ mah: 480 }} overlayProps={{ backgroundOpacity: 0.45, blur: 0 }}
      searchProps={{ leftSection: <IconSearch size={16} />, placeholder: 'Do or find…', 'aria-label': 'Do or find' }}
      query={query} onQueryChange={setQuery}
      actions={found.map((action) => ({
        id: action.id, label: action.label, description: action.blocked ?? action.about, disabled: action.blocked !== null,
        rightSection: <span className="dim small">{action.keys ?? action.group}</span>, onClick: () => perform(action, client),
      }))}
    />
  )
}
