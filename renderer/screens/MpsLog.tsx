// MpsLog: the last lines of control.log and server.log, read again every few seconds while they are looked at.
import { SegmentedControl } from '@mantine/core'
import { useEffect, useState } from 'react'
import { faultOf } from '../../shared/fault.ts'
import type { MpsDaemon } from '../../shared/mps.ts'
import { LogView } from '../parts/LogView.tsx'
import { Panel } from '../parts/Panel.tsx'
import { useConnection } from '../state/connection.ts'

const READ_EVERY_MS = 3000

export function MpsLog({ daemon: { gpuUuid } }: { daemon: MpsDaemon }) {
  const { client } = useConnection()
  const [which, setWhich] = useState<'control' | 'server'>('control')
  const [log, setLog] = useState<{ control: string[]; server: string[] }>({ control: [], server: [] })
  const [trouble, setTrouble] = useState<string | null>(null)
  useEffect(() => {
    let gone = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const read = () => {
      client.mps.log({ gpuUuid, lines: 300 })
        .then((lines) => { if (!gone) { setLog((old) => (same(old, lines) ? old : lines)); setTrouble(null) } }, (thrown: unknown) => { if (!gone) setTrouble(faultOf(thrown).sentence) })
        .finally(() => { if (!gone) timer = setTimeout(read, READ_EVERY_MS) })
    }
    read()
    return () => { gone = true; clearTimeout(timer) }
  }, [client, gpuUuid])
  return (
    <Panel title="Log" body={false} className="fills" aside={<>{trouble !== null && <span className="dim small cut">{trouble}</span>}<SegmentedControl aria-label="Which log" value={which} onChange={(value) => setWhich(value as 'control' | 'server')} data={['control', 'server']} /></>}>
      <LogView lines={log[which]} label={`${which}.log`} empty={`${which}.log has no lines yet.`} height="100%" />
    </Panel>
  )
}

const same = (a: { control: string[]; server: string[] }, b: typeof a): boolean =>
  a.control.length === b.control.length && a.server.length === b.server.length && a.control.at(-1) === b.control.at(-1) && a.server.at(-1) === b.server.at(-1)
