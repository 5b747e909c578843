// EngineDot: an engine's colour beside its name; the same colour as in every chart.
import type { CSSProperties } from 'react'
import { engineVar, isRepeated } from '../theme/palette.ts'

export function engineStyle(colour: number): CSSProperties {
  return { '--engine': engineVar(colour) } as CSSProperties
}

export function EngineDot({ colour }: { colour: number }) {
  return <span className="dot" data-hollow={isRepeated(colour) || undefined} style={engineStyle(colour)} aria-hidden="true" />
}

export function EngineName({ colour, name }: { colour: number; name: string }) {
  return (
    <span className="cardRow">
      <EngineDot colour={colour} />
      <span className="cardName cut">{name}</span>
    </span>
  )
}
