// EveryCommand: all that an experiment would run, folded away until somebody asks: argv, environment and folder of each, to be copied.
import { Loader } from '@mantine/core'
import { useState } from 'react'
import type { ExperimentChoice } from '../../shared/experiment.ts'
import { CommandPreview } from '../parts/CommandPreview.tsx'
import { FaultCard } from '../parts/FaultCard.tsx'
import { useFound } from '../state/found.ts'
import { useInherited } from '../state/inherited.ts'
import { useAnswer } from '../state/useAnswer.ts'

export function EveryCommand({ choice }: { choice: ExperimentChoice }) {
  const [open, setOpen] = useState(false)
  const found = useFound(choice.gpuUuid)
  const inherited = useInherited()
  const { answer, fault } = useAnswer(open ? JSON.stringify({ choice, found }) : null, (client) => client.experiment.preview(choice))
  return (
    <details className="everyCommand" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Every command{answer === null ? '' : ` (${answer.length})`}</summary>
      {fault !== null && <FaultCard fault={fault} />}
      {answer === null && fault === null && open && <Loader size="sm" aria-label="Asking for the commands" />}
      {answer !== null && <CommandPreview commands={answer} inherited={inherited} />}
    </details>
  )
}
