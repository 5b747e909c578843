// Why blocks do not count, told once per reason: the same sentence with other numbers is the same reason. Pure.
import type { Block } from '../../shared/experiment.ts'

export interface BlockReason {
  /** As the first such block says it. */
  sentence: string
  blocks: number
}

/** Of compared blocks only; the most frequent first. */
export function blockReasons(blocks: readonly Block[]): BlockReason[] {
  const found = new Map<string, BlockReason>()
  for (const block of blocks) {
    if (block.purpose !== 'compared' || block.validity === 'valid') continue
    for (const sentence of block.reasons) {
      const key = sentence.replace(/\d[\d.,]*/g, '0')
      const known = found.get(key)
      if (known === undefined) found.set(key, { sentence, blocks: 1 })
      else known.blocks++
    }
  }
  return [...found.values()].sort((a, b) => b.blocks - a.blocks)
}

/** `10 blocks do not count. The load generator was late: 25 ms …` */
export const reasonText = ({ sentence, blocks }: BlockReason): string => `${blocks} ${blocks === 1 ? 'block does' : 'blocks do'} not count. ${sentence}`
