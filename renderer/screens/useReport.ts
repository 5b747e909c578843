// useReport: one whole report, asked for where it is shown. Asked again when `revision` changes.
import { useEffect, useState } from 'react'
import type { Report } from '../../shared/experiment.ts'
import { faultOf, type Fault } from '../../shared/fault.ts'
import { useConnection } from '../state/connection.ts'
import { useLink } from '../state/link.ts'

/** The report stays until the next is there; a fault of another one does not. */
export function useReport(id: string | null, revision: string | number = 0): { report: Report | null; fault: Fault | null } {
  const { client } = useConnection()
  const open = useLink((link) => link.state.name === 'open')
  const [answer, setAnswer] = useState<{ id: string; revision: string | number; report: Report | null; fault: Fault | null } | null>(null)
  useEffect(() => {
    if (id === null || !open) return
    let gone = false
    client.experiment.report({ id }).then(
      (report) => { if (!gone) setAnswer({ id, revision, report, fault: null }) },
      (thrown: unknown) => { if (!gone) setAnswer({ id, revision, report: null, fault: faultOf(thrown) }) },
    )
    return () => { gone = true }
  }, [client, id, revision, open])
  return answer === null || answer.id !== id ? { report: null, fault: null } : { report: answer.report, fault: answer.fault }
}
