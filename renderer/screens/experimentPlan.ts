// What the Experiments screen would run: the choice that is sent, and the plan that comes back for it.
import { useDebouncedValue } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import type { ExperimentChoice, ExperimentFile, Plan } from '../../shared/experiment.ts'
import { faultOf, type Fault } from '../../shared/fault.ts'
import { useConnection } from '../state/connection.ts'
import { useFound } from '../state/found.ts'
import { useLink } from '../state/link.ts'

/** Something typed is sent once nothing was typed for so long. */
const QUIET_MS = 350

export function choiceOf(parts: { preset: string | null; file: ExperimentFile; changed: boolean; gpuUuid: string | null; engineId: string | null }): ExperimentChoice {
  const { preset, file, changed, gpuUuid, engineId } = parts
  return { preset: changed ? null : preset, file: changed || preset === null ? file : null, gpuUuid, engineId, resumes: null }
}

export interface Planned { plan: Plan | null; fault: Fault | null; asking: 'plan' | 'rehearse' | null; /** null: the checks are the plan's own. */ rehearsedAtMs: number | null; rehearse: () => void }

/** The plan of a choice, asked anew when it changes or would find something else; null: nothing is asked. Only the newest answer counts. */
export function usePlan(choice: ExperimentChoice | null): Planned {
  const { client } = useConnection()
  const open = useLink((link) => link.state.name === 'open')
  const key = choice === null ? null : JSON.stringify(choice)
  const found = useFound(choice?.gpuUuid ?? null)
  const [quiet] = useDebouncedValue(key, QUIET_MS)
  const [asked, setAsked] = useState({ key: '', found: '', round: 0 })
  const [answer, setAnswer] = useState<{ key: string; found: string; round: number; plan: Plan | null; rehearsedAtMs: number | null; fault: Fault | null } | null>(null)
  /** Rehearsed so many times; 0: only planned. */
  const round = asked.key === quiet && asked.found === found ? asked.round : 0
  useEffect(() => {
    if (quiet === null || !open) return
    let gone = false
    client.experiment[round === 0 ? 'plan' : 'rehearse'](JSON.parse(quiet) as ExperimentChoice).then(
      (plan) => { if (!gone) setAnswer({ key: quiet, found, round, plan, rehearsedAtMs: round === 0 ? null : Date.now(), fault: null }) },
      (thrown: unknown) => { if (!gone) setAnswer((was) => ({ key: quiet, found, round, plan: was?.key === quiet ? was.plan : null, rehearsedAtMs: null, fault: faultOf(thrown) })) },
    )
    return () => { gone = true }
  }, [client, quiet, round, open, found])
  const current = answer !== null && answer.key === key ? answer : null
  const answered = current !== null && current.round === round
  return {
    plan: current?.plan ?? null, fault: answered ? current.fault : null, asking: answered || key === null ? null : round === 0 ? 'plan' : 'rehearse', rehearsedAtMs: current?.rehearsedAtMs ?? null,
    rehearse: () => { if (key !== null) setAsked({ key, found, round: round + 1 }) },
  }
}
