// refused: core has no face
import { a } from '../../app/window.ts'
import type { B } from '../../app/window.ts'
export * from '../../app/window.ts'
export { c } from '../../app/window.ts'
export const later = () => import('../../app/window.ts')
export type Far = import('../../app/window.ts').Far
export const used: B = a
