// TopBar: which workstation, which GPU, MPS there, how old the last frame is.
import { ActionIcon, Kbd, Tooltip, UnstyledButton, useMantineColorScheme } from '@mantine/core'
import { spotlight } from '@mantine/spotlight'
import { IconDeviceDesktop, IconMoon, IconSearch, IconSun } from '@tabler/icons-react'
import { useCallback } from 'react'
import { useGpuUuid } from '../actions/useActions.ts'
import { duration, percent, UNKNOWN } from '../../shared/units.ts'
import { MPS_STATES } from '../../shared/mps.ts'
import { LiveText } from '../parts/LiveText.tsx'
import { MPS_LOOK, StateBadge, toneStyle } from '../parts/StateBadge.tsx'
import { enginesOn, useEngines } from '../state/engines.ts'
import { foundOn, useFoundEngines } from '../state/foundEngines.ts'
import { rowOf, useGpus } from '../state/gpus.ts'
import { useLink, useStale } from '../state/link.ts'
import { daemonOf, useMps } from '../state/mps.ts'
import { useBySecond } from '../parts/now.ts'
import { openScreen, useView } from '../state/view.ts'
import { attachedWords } from './attachedWords.ts'

export function TopBar() {
  const stale = useStale()
  const greeting = useLink((link) => link.greeting)
  return (
    <header className="topBar">
      <div className="brand" title={`Overlap ${greeting?.version ?? ''}`}><Mark /></div>
      <span className="hostName">{greeting?.hostName ?? UNKNOWN}</span>
      {greeting !== null && <span className="dim small nowrap">{greeting.simulated ? 'simulated' : 'real'}</span>}
      <GpuTabs />
      <span className="spring" />
      <span className={stale ? 'stale' : ''}><MpsPill /></span>
      <FrameAge />
      <Tooltip label="Do or find anything"><UnstyledButton className="findKey" onClick={() => spotlight.open()} aria-label="Ctrl K: do or find"><IconSearch size={14} stroke={1.6} aria-hidden="true" /><Kbd>Ctrl K</Kbd></UnstyledButton></Tooltip>
      <SchemeSwitch />
    </header>
  )
}

/** Two kernels that overlap. */
function Mark() {
  return (
    <svg width="26" height="20" viewBox="0 0 26 20" aria-hidden="true">
      <rect x="1" y="3" width="15" height="9" rx="1.5" fill="var(--engine-1)" opacity="0.85" />
      <rect x="10" y="8" width="15" height="9" rx="1.5" fill="var(--engine-0)" opacity="0.85" />
    </svg>
  )
}

function GpuTabs() {
  const identities = useGpus((store) => store.identities)
  const chosen = useGpuUuid()
  if (identities === null || identities.length === 0) return <span className="dim nowrap">{identities === null ? 'Looking for GPUs' : 'No GPU found'}</span>
  const onKeyDown = ({ key, currentTarget }: React.KeyboardEvent<HTMLElement>) => {
    const way = key === 'ArrowRight' ? 1 : key === 'ArrowLeft' ? -1 : 0
    const at = identities.findIndex(({ uuid }) => uuid === chosen) + way
    if (way === 0 || identities[at] === undefined) return
    useView.setState({ gpuUuid: identities[at].uuid })
    currentTarget.querySelectorAll<HTMLElement>('[role=tab]')[at]?.focus()
  }
  return (
    <div className="gpuTabs" data-many={identities.length > 3 || undefined} role="tablist" aria-label="GPUs" onKeyDown={onKeyDown}>
      {identities.map((gpu) => (
        <UnstyledButton key={gpu.uuid} role="tab" aria-selected={gpu.uuid === chosen} tabIndex={gpu.uuid === chosen ? 0 : -1} className="gpuTab" title={`GPU ${gpu.index} · ${gpu.name} · ${gpu.uuid}${identities.length > 1 ? ' · percent: SM activity' : ''}`}
          onClick={() => useView.setState({ gpuUuid: gpu.uuid })}>
          {identities.length > 3 ? gpu.index : `GPU ${gpu.index}`}
          {identities.length <= 3 && <span className="dim">{gpu.name.replace(/^NVIDIA /, '')}</span>}
          {identities.length > 1 && <TabReading uuid={gpu.uuid} />}
        </UnstyledButton>
      ))}
    </div>
  )
}

/** SM activity where it is known, else nothing: kernel busy would look like it and mean something else. */
function TabReading({ uuid }: { uuid: string }) {
  const read = useCallback(() => percent(rowOf(useGpus.getState().frame, uuid)?.metrics.smActivityPercent ?? null), [uuid])
  return <LiveText className="reading dim small" read={read} />
}

function MpsPill() {
  const gpuUuid = useGpuUuid()
  const daemon = useMps((store) => daemonOf(store.daemons, gpuUuid))
  const engines = enginesOn(useEngines((store) => store.settled), gpuUuid).filter((engine) => engine.pid !== null)
  const said = useFoundEngines((store) => attachedWords(engines, foundOn(store.found, gpuUuid)))
  if (daemon === null) return <span className="dim nowrap">MPS {UNKNOWN}</span>
  const look = MPS_LOOK[daemon.state]
  return (
    <Tooltip label={<>{daemon.sentence || MPS_STATES[daemon.state]}<div className="small">Opens the MPS screen (2).</div></>}>
      <UnstyledButton className="mpsPill" style={toneStyle(look.tone)} onClick={() => openScreen('mps')}>
        <StateBadge look={look} prefix="MPS" /><span className="pillNote">{said}</span>
      </UnstyledButton>
    </Tooltip>
  )
}

const LATE_MS = 4000

function frameAgeMs(nowMs: number): number | null {
  const atMs = useGpus.getState().frame?.atMs ?? null
  return atMs === null ? null : Math.max(0, nowMs - atMs)
}

const ageWords = (ageMs: number | null): string =>
  ageMs === null ? 'no frame yet' : ageMs > LATE_MS ? `frame ${duration(ageMs)} old` : `frame < ${Math.max(2, Math.ceil((ageMs + 1) / 1000))} s old`

/** Looked at once a second, not with every frame; drawn again only when it reads otherwise. */
function FrameAge() {
  useGpus((store) => store.frame === null)
  const late = useBySecond((nowMs) => (frameAgeMs(nowMs) ?? 0) > LATE_MS)
  const said = useBySecond((nowMs) => ageWords(frameAgeMs(nowMs)))
  return (
    <Tooltip label="Age of the last frame of readings.">
      <span className="ageBox small nowrap" tabIndex={0} style={late ? { color: 'var(--tone-bad)' } : { color: 'var(--mantine-color-dimmed)' }}>
        {said}
      </span>
    </Tooltip>
  )
}

const SCHEMES = [['dark', 'Dark', IconMoon], ['light', 'Light', IconSun], ['auto', 'As the system', IconDeviceDesktop]] as const

function SchemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const at = SCHEMES.findIndex(([scheme]) => scheme === colorScheme)
  const [, label, Icon] = SCHEMES[Math.max(0, at)]!
  return (
    <Tooltip label={`Appearance: ${label}`}>
      <ActionIcon aria-label={`Appearance: ${label}`} onClick={() => setColorScheme(SCHEMES[(at + 1) % SCHEMES.length]![0])}><Icon size={16} stroke={1.5} /></ActionIcon>
    </Tooltip>
  )
}
