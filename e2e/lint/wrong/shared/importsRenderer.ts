// refused: shared/ is spoken by both sides
import { a } from '../renderer/state/gpus.ts'
import type { B } from '../renderer/state/gpus.ts'
export * from '../renderer/state/gpus.ts'
export { c } from '../renderer/state/gpus.ts'
export const later = () => import('../renderer/state/gpus.ts')
export type Far = import('../renderer/state/gpus.ts').Far
export const used: B = a
