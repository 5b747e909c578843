// FootBar: the link, what watching costs, faults met while starting.
import { Tooltip } from '@mantine/core'
import { fixed, gibibytes, UNKNOWN } from '../../shared/units.ts'
import { useCost } from '../state/cost.ts'
import { useLink } from '../state/link.ts'

const LINK_WORDS = { connecting: 'connecting', open: 'linked', lost: 'link lost', refused: 'refused' } as const

export function FootBar() {
  const { state, greeting } = useLink()
  const cost = useCost((store) => store.cost)
  return (
    <footer className="footBar">
      <span aria-label="Link">{LINK_WORDS[state.name]}</span>
      {greeting?.faults.map((fault) => <Tooltip key={fault.sentence} label={fault.hint}><span tabIndex={0} style={{ color: 'var(--tone-busy)' }}>{fault.sentence}</span></Tooltip>)}
      <span style={{ flex: 1 }} />
      <Tooltip label="CPU of Overlap and of the tools it keeps running, in percent of one core; its memory; how late its event loop runs.">
        <span tabIndex={0}>
          watching costs {cost === null ? UNKNOWN : `${fixed(cost.corePercent, 1)} % + tools ${fixed(cost.toolsPercent, 1)} % of a core · ${cost.residentMiB < 1024 ? `${fixed(cost.residentMiB)} MiB` : gibibytes(cost.residentMiB)} · loop p99 ${fixed(cost.eventLoopDelayP99Ms, 1)} ms`}
        </span>
      </Tooltip>
      <span>Overlap {greeting?.version ?? UNKNOWN}</span>
    </footer>
  )
}
