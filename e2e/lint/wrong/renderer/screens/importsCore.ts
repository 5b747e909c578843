// refused: renderer/ knows shared/
import { a } from '../../electron/core/gpu/smi.ts'
import type { B } from '../../electron/core/gpu/smi.ts'
export * from '../../electron/core/gpu/smi.ts'
export { c } from '../../electron/core/gpu/smi.ts'
export const later = () => import('../../electron/core/gpu/smi.ts')
export type Far = import('../../electron/core/gpu/smi.ts').Far
export const used: B = a
