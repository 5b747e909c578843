// StageFill: the small button that gives the Stage the whole screen, and takes it back.
import { IconArrowsMaximize, IconArrowsMinimize } from '@tabler/icons-react'
import { ActionIconButton } from '../actions/ActionButton.tsx'
import { fillScreen } from '../actions/viewActions.ts'
import { useView } from '../state/view.ts'

export function StageFill() {
  const presenting = useView((view) => view.presenting)
  const Icon = presenting ? IconArrowsMinimize : IconArrowsMaximize
  return <ActionIconButton action={fillScreen} icon={<Icon size={16} stroke={1.5} />} />
}
