// refused: core cannot tell simulated from real
import { a } from '../../sim/install.ts'
import type { B } from '../../sim/install.ts'
export * from '../../sim/install.ts'
export { c } from '../../sim/install.ts'
export const later = () => import('../../sim/install.ts')
export type Far = import('../../sim/install.ts').Far
export const used: B = a
