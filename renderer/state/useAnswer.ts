// useAnswer: the answer to one call that a screen needs, asked when the screen opens or `key` changes.
import { useEffect, useRef, useState } from 'react'
import { faultOf, type Fault } from '../../shared/fault.ts'
import type { Client } from '../link/connect.ts'
import { useConnection } from './connection.ts'
import { useLink } from './link.ts'

/**
 * `key` names what is asked; null: nothing is. Both null: on its way. An answer to another key is never shown. Asked again when the link is back,
 * and when `revision` changes; the old answer stays until the new one is there.
 */
export function useAnswer<Answer>(key: string | null, ask: (client: Client) => Promise<Answer>, revision = ''): { answer: Answer | null; fault: Fault | null } {
  const { client } = useConnection()
  const open = useLink((link) => link.state.name === 'open')
  const [got, setGot] = useState<{ key: string | null; revision: string; answer: Answer | null; fault: Fault | null }>({ key: null, revision: '', answer: null, fault: null })
  const latest = useRef(ask) // another function with every render; `key` says when it asks something else
  useEffect(() => { latest.current = ask })
  useEffect(() => {
    if (key === null || !open) return
    let gone = false
    latest.current(client).then(
      (answer) => { if (!gone) setGot({ key, revision, answer, fault: null }) },
      (thrown: unknown) => {
        const fault = faultOf(thrown)
        if (fault.code === 'BUG') reportError(thrown)
        if (!gone) setGot({ key, revision, answer: null, fault })
      },
    )
    return () => { gone = true }
  }, [key, revision, client, open])
  return got.key === key ? got : { answer: null, fault: null }
}
