// CommandsDetail: one command in full, or one read that is asked again and again, as it was asked last.
import type { LedgerEntry, Routine } from '../../shared/command.ts'
import { clockTime, dayAndTime, duration } from '../../shared/units.ts'
import { CommandText, CopyCommand } from '../parts/CommandPreview.tsx'
import { coreNowMs, useNowMs } from '../parts/now.ts'
import { Panel } from '../parts/Panel.tsx'
import { quotedArgv, shellLine } from '../parts/quoting.ts'
import { StateBadge, type Look } from '../parts/StateBadge.tsx'
import { useInherited } from '../state/inherited.ts'

export const OUTCOME_LOOK: Record<LedgerEntry['outcome'], Look> = {
  running: { word: 'running', tone: 'busy', shape: 'half' }, ok: { word: 'ok', tone: 'good', shape: 'full' }, ended: { word: 'ended', tone: 'idle', shape: 'ring' },
  failed: { word: 'failed', tone: 'bad', shape: 'triangle' }, timedOut: { word: 'timed out', tone: 'bad', shape: 'triangle' }, missing: { word: 'missing', tone: 'bad', shape: 'triangle' },
}

/** A row is pressed as a button is. */
export const onPress = (press: () => void) => (event: React.KeyboardEvent): void => {
  if (event.key !== 'Enter' && event.key !== ' ') return
  event.preventDefault()
  press()
}

const withoutFolder = (path: string): string => path.split('/').at(-1) ?? ''

/** Program without its folder, or the script that Node runs; control commands by what they say. */
export function shortened({ argv, stdin }: Pick<LedgerEntry, 'argv' | 'stdin'>): string {
  const [program = '', ...rest] = argv
  const [script = '', ...more] = rest
  const line = quotedArgv(program.endsWith('/node') && script.endsWith('.ts') ? [withoutFolder(script), ...more] : [withoutFolder(program), ...rest])
  return stdin === null ? line : `${line} ⟵ ${stdin.trim().replaceAll('\n', '; ')}`
}

export const took = ({ durationMs }: { durationMs: number | null }): string => (durationMs === null ? '…' : durationMs < 1000 ? `${Math.round(durationMs)} ms` : duration(durationMs))

export function CommandDetail({ entry }: { entry: LedgerEntry }) {
  const inherited = useInherited()
  const ending = entry.signal !== null ? `signal ${entry.signal}` : entry.exitCode === null ? null : `exit ${entry.exitCode}`
  return (
    <Panel title="Command" aside={<><StateBadge look={OUTCOME_LOOK[entry.outcome]} boxed /><CopyCommand text={shellLine(entry)} label="Copy as shell line" /></>}>
      <div className="stackGap">
        <div className="why">{entry.why}</div>
        <div className="dim small">{[entry.way, `began ${dayAndTime(entry.startedAtMs, coreNowMs())}`, entry.durationMs === null ? null : `took ${took(entry)}`, entry.pid === null ? null : `pid ${entry.pid}`, ending].filter((part) => part !== null).join(' · ')}</div>
        <div className="command"><CommandText key={entry.id} command={entry} inherited={inherited} /></div>
        {entry.output === null ? <div className="dim small">Output of long-lived commands is not kept here.</div> : <Output title="Output, first 4 KiB" text={entry.output} />}
      </div>
    </Panel>
  )
}

export function RoutineDetail({ read }: { read: Routine }) {
  const inherited = useInherited()
  return (
    <Panel title="Routine read" aside={<CopyCommand text={shellLine(read)} label="Copy as shell line" />}>
      <div className="stackGap">
        <div className="why">{read.why}</div>
        <div className="dim small">{times(read)} since {clockTime(read.firstAtMs)}, last <Ago atMs={read.lastAtMs} /> · took {took(read)} · as it was asked last</div>
        <div className="command"><CommandText key={read.id} command={read} inherited={inherited} /></div>
        <Output title="Last answer, first 4 KiB" text={read.output} />
      </div>
    </Panel>
  )
}

export const times = ({ times: count }: Routine): string => (count === 1 ? 'asked once' : `asked ${count} times`)

export function Ago({ atMs }: { atMs: number }) {
  return <>{duration(Math.max(0, useNowMs() - atMs))} ago</>
}

function Output({ title, text }: { title: string; text: string }) {
  return <div><div className="dim small">{title}</div><pre className="logView" style={{ maxHeight: 420 }} aria-label="Output" tabIndex={0}>{text === '' ? '(none)' : text}</pre></div>
}
