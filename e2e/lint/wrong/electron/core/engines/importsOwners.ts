// refused: core/engines may not import core/owners
import { a } from '../owners/owners.ts'
import type { B } from '../owners/owners.ts'
export * from '../owners/owners.ts'
export { c } from '../owners/owners.ts'
export const later = () => import('../owners/owners.ts')
export type Far = import('../owners/owners.ts').Far
export const used: B = a
