// refused: The link knows no store
import { a } from '../state/gpus.ts'
import type { B } from '../state/gpus.ts'
export * from '../state/gpus.ts'
export { c } from '../state/gpus.ts'
export const later = () => import('../state/gpus.ts')
export type Far = import('../state/gpus.ts').Far
export const used: B = a
