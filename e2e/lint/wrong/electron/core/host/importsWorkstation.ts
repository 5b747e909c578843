// refused: core/host may not import core/(top)
import { a } from '../workstation.ts'
import type { B } from '../workstation.ts'
export * from '../workstation.ts'
export { c } from '../workstation.ts'
export const later = () => import('../workstation.ts')
export type Far = import('../workstation.ts').Far
export const used: B = a
