// refused: sim shares no code with the product
import { a } from '../core/kit/clock.ts'
import type { B } from '../core/kit/clock.ts'
export * from '../core/kit/clock.ts'
export { c } from '../core/kit/clock.ts'
export const later = () => import('../core/kit/clock.ts')
export type Far = import('../core/kit/clock.ts').Far
export const used: B = a
