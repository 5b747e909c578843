// Happenings: what changed its state on this GPU, newest first: the marks of the strips in words, and since when things are as they are.
import { useMemo } from 'react'
import { dayAndTime } from '../../shared/units.ts'
import { EngineDot } from '../parts/EngineDot.tsx'
import { coreNowMs } from '../parts/now.ts'
import { Panel } from '../parts/Panel.tsx'
import { enginesOn, useEngines } from '../state/engines.ts'
import { useMarks } from '../state/marks.ts'
import { daemonOf, useMps } from '../state/mps.ts'
import { happenings } from './happeningList.ts'

export function Happenings({ gpuUuid }: { gpuUuid: string | null }) {
  const marks = useMarks((store) => store.marks)
  const engines = useEngines((store) => store.settled)
  const daemon = useMps((store) => daemonOf(store.daemons, gpuUuid))
  const list = useMemo(() => happenings(marks, enginesOn(engines, gpuUuid), daemon, gpuUuid), [marks, engines, daemon, gpuUuid])
  return (
    <Panel title="What happened" body={false} className="happenings" aside={<span className="dim small">newest first</span>}>
      {list.length === 0 ? <p className="dim happeningsEmpty">Starts, stops, failures and changes of MPS on this GPU are listed here and marked across the strips.</p> : (
        <ol aria-label="What happened" tabIndex={0}>
          {list.map(({ atMs, label, colour }) => (
            <li key={`${atMs} ${label}`}>
              <time className="dim" dateTime={new Date(atMs).toISOString()}>{dayAndTime(atMs, coreNowMs())}</time>
              {colour === null ? <span className="mpsDot" aria-hidden="true" /> : <EngineDot colour={colour} />}
              <span className="cut" title={label}>{label}</span>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  )
}
