// EngineLog: what one engine writes, as it writes it.
import { useEffect } from 'react'
import { LogView } from '../parts/LogView.tsx'
import { Panel } from '../parts/Panel.tsx'
import { useConnection } from '../state/connection.ts'
import { useEngineLog } from '../state/engineLog.ts'
import { followEngineLog } from '../state/feed.ts'

export function EngineLog({ engineId }: { engineId: string }) {
  const connection = useConnection()
  const log = useEngineLog()
  useEffect(() => followEngineLog(connection, engineId), [connection, engineId])
  const lines = log.engineId === engineId ? log.lines : []
  return (
    <Panel title="Log" body={false} className="fills engineLog" aside={<span className="dim small">{lines.length} line{lines.length === 1 ? '' : 's'}{log.dropped > 0 ? `, ${log.dropped} older or skipped` : ''}</span>}>
      <LogView lines={lines} label="Engine log" empty="Nothing written yet." height="100%" />
    </Panel>
  )
}
