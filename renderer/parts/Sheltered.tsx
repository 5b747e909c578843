// Sheltered: a part of the page whose failure stays its own. What went wrong is said in its place; the rest of the page lives on.
import { Button } from '@mantine/core'
import { Component, type ReactNode } from 'react'
import { FaultCard } from './FaultCard.tsx'

/** Give it another `key` for another part, so that one failure does not hide the next part. */
export class Sheltered extends Component<{ what: string; children: ReactNode }, { thrown: { text: string } | null }> {
  override state: { thrown: { text: string } | null } = { thrown: null }

  static getDerivedStateFromError(thrown: unknown) {
    return { thrown: { text: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) } }
  }

  override render() {
    const { thrown } = this.state
    if (thrown === null) return this.props.children
    return <FaultCard fault={{ code: 'BUG', sentence: `${this.props.what} could not be drawn.`, hint: 'This is a bug in Overlap; please report the text below. Engines and MPS are not touched by it.', detail: thrown.text }}
      action={<Button onClick={() => this.setState({ thrown: null })}>Try again</Button>} />
  }
}
