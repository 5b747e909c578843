// CheckList: what was looked at: a word and a shape, a sentence, and the evidence when it is asked for. What passed is folded away.
import type { Check } from '../../shared/experiment.ts'
import { checkLook, worstFirst } from '../parts/checks.ts'
import { StateBadge } from '../parts/StateBadge.tsx'

/** `open`: what passed is shown too, without asking. */
export function CheckList({ checks, open = false }: { checks: readonly Check[]; open?: boolean }) {
  const told = worstFirst(checks)
  const passed = told.filter(({ result }) => result === 'passed')
  const rest = told.filter(({ result }) => result !== 'passed')
  if (told.length === 0) return <div className="dim">Nothing has been checked yet.</div>
  return (
    <div className="stackGap">
      {rest.length > 0 && <Lines checks={rest} label="Checks" />}
      {passed.length > 0 && (
        <details className="checksPassed" open={open}>
          <summary><StateBadge look={{ ...checkLook(passed[0]!), word: rest.length === 0 ? `all ${passed.length} passed` : `${passed.length} passed` }} /></summary>
          <Lines checks={passed} label="Checks that passed" />
        </details>
      )}
    </div>
  )
}

function Lines({ checks, label }: { checks: readonly Check[]; label: string }) {
  return (
    <ul className="checkList" aria-label={label}>
      {checks.map((check) => (
        <li key={check.name}>
          <StateBadge look={checkLook(check)} explain={check.name} />
          {check.evidence.length === 0 ? <span>{check.sentence}</span> : (
            <details>
              <summary title="Show the evidence">{check.sentence}</summary>
              {check.evidence.map((line) => <div key={line} className="mono dim">{line}</div>)}
            </details>
          )}
        </li>
      ))}
    </ul>
  )
}
