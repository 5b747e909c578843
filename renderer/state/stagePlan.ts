// StagePlan: what the Stage would run, and what the core says would be done. The Stage and its actions write it.
import { create } from 'zustand'
import type { ExperimentChoice, Plan } from '../../shared/experiment.ts'
import { faultOf, type Fault } from '../../shared/fault.ts'
import type { Client } from '../link/connect.ts'

export interface StagePlan {
  choice: ExperimentChoice | null
  /** The choice and what its plan would find here, as one text; null: nothing was asked. */
  key: string | null
  /** null: not asked yet, or it could not be planned. */
  plan: Plan | null
  /** What is being asked now. */
  asking: 'plan' | 'rehearse' | null
  /** When the checks of the plan were looked at in a rehearsal; null: they were not, or something has changed since. */
  rehearsedAtMs: number | null
  fault: Fault | null
}
export const useStagePlan = create<StagePlan>(() => ({ choice: null, key: null, plan: null, asking: null, rehearsedAtMs: null, fault: null }))

let asked = 0

/** Asks for the plan of `key`. A rehearsal of the same choice on the same workstation, also one under way, stands: coming back to the Stage changes nothing. */
export async function planStage(client: Client, choice: ExperimentChoice, key: string): Promise<void> {
  const was = useStagePlan.getState()
  if (was.key === key && (was.rehearsedAtMs !== null || was.asking === 'rehearse')) return
  useStagePlan.setState({ key })
  await askStagePlan(client, choice, 'plan')
}

/** Asks the core; only the newest answer counts. A plan of another choice is gone at once, one of the same stays until the next is there. */
export async function askStagePlan(client: Client, choice: ExperimentChoice, how: 'plan' | 'rehearse'): Promise<void> {
  const mine = ++asked
  useStagePlan.setState((was) => ({ choice, asking: how, fault: null, plan: was.choice !== null && JSON.stringify(was.choice) === JSON.stringify(choice) ? was.plan : null }))
  try {
    const plan = await client.experiment[how](choice)
    if (mine === asked) useStagePlan.setState({ plan, asking: null, rehearsedAtMs: how === 'rehearse' ? Date.now() : null })
  } catch (thrown) {
    const fault = faultOf(thrown)
    if (fault.code === 'BUG') reportError(thrown)
    if (mine === asked) useStagePlan.setState({ asking: null, fault, ...(how === 'plan' ? { plan: null, rehearsedAtMs: null } : {}) })
  }
}
