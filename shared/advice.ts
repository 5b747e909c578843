// The next best step: one finding, one sentence, one button.
import { z } from 'zod'

/** A call of the contract that a button can make. */
export const AdviceAction = z.discriminatedUnion('call', [
  z.object({ call: z.literal('mps.start'), label: z.string(), input: z.object({ gpuUuid: z.string() }) }),
  z.object({ call: z.literal('mps.restart'), label: z.string(), input: z.object({ gpuUuid: z.string() }) }),
  z.object({ call: z.literal('engine.start'), label: z.string(), input: z.object({ id: z.string() }) }),
  z.object({ call: z.literal('engine.restart'), label: z.string(), input: z.object({ id: z.string() }) }),
  z.object({ call: z.literal('engine.putOnMps'), label: z.string(), input: z.object({ id: z.string() }) }),
  z.object({ call: z.literal('open'), label: z.string(), input: z.object({ screen: z.enum(['live', 'mps', 'engines', 'commands']) }) }),
])
export type AdviceAction = z.infer<typeof AdviceAction>

export const Advice = z.object({
  /** Name of the rule and what it speaks of: `startedBeforeDaemon/e1`. */
  id: z.string(),
  gpuUuid: z.string().nullable(),
  sentence: z.string(),
  /** The facts it rests on. */
  evidence: z.array(z.string()),
  action: AdviceAction.nullable(),
})
export type Advice = z.infer<typeof Advice>
