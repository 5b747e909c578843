// What a publication reports of a figure, as claims that one's own report of it can be held against. The shape only; held.ts judges.
import { z } from 'zod'

const VARIED = ['model', 'promptTokens', 'outputTokens', 'concurrency', 'perSecond'] as const
const values = z.array(z.union([z.string().max(4096), z.number()])).min(1).max(40)

export const Claim = z.object({
  /** As the publication has it, with the range that was read into its words. */
  says: z.string().min(1).max(300),
  /** The arm whose gain in output tokens/s against the best single engine it speaks of. */
  armId: z.string().min(1).max(30),
  /** Cells it speaks of, by the values of an axis; an axis that is not named: all of it. */
  at: z.partialRecord(z.enum(VARIED), values).default({}),
  is: z.discriminatedUnion('how', [
    /** Ratio − 1, in every cell. */
    z.object({ how: z.literal('above'), gain: z.number() }),
    z.object({ how: z.literal('below'), gain: z.number() }),
    /** Along an axis, in the order of its values, whatever the others are. */
    z.object({ how: z.literal('falls'), along: z.enum(VARIED) }),
    /** Against another arm, both read off their curves at the file's latency limit. */
    z.object({ how: z.literal('readOff'), againstId: z.string().min(1).max(30), gain: z.number(), within: z.number().positive() }),
  ]),
})
export type Claim = z.infer<typeof Claim>
