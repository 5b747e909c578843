// late: a screen whose code is fetched when it is first opened. Without a core it cannot be had: it is waited for, and that is said.
import { Button } from '@mantine/core'
import { useEffect, useState, type ComponentType } from 'react'
import { Empty } from '../parts/Empty.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { useLink } from '../state/link.ts'

export function late(load: () => Promise<ComponentType>): ComponentType {
  let fetched: ComponentType | null = null
  return function Late() {
    const [Shown, setShown] = useState<ComponentType | null>(() => fetched)
    const [failed, setFailed] = useState<string | null>(null)
    const open = useLink((link) => link.state.name === 'open')
    useEffect(() => {
      // never tried without a core: a browser remembers a module that it failed to fetch until the page is loaded again
      if (fetched !== null || !open) return
      load().then((screen) => { fetched = screen; setShown(() => screen) }, (thrown: unknown) => setFailed(String(thrown)))
    }, [open])
    if (Shown !== null) return <Shown />
    if (failed !== null) {
      return <FaultCard fault={{ code: 'BUG', sentence: 'This screen could not be fetched.', hint: 'Overlap may have been updated since this page was opened. Reload it.', detail: failed }}
        action={<Button onClick={() => location.reload()}>Reload the page</Button>} />
    }
    return open ? null : <section className="panel"><Empty title="Waiting for the link">This screen has not been opened yet. It is fetched as soon as the link is back.</Empty></section>
  }
}
