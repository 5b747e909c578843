// refused: core/gpu may not import core/mps
import { a } from '../mps/control.ts'
import type { B } from '../mps/control.ts'
export * from '../mps/control.ts'
export { c } from '../mps/control.ts'
export const later = () => import('../mps/control.ts')
export type Far = import('../mps/control.ts').Far
export const used: B = a
