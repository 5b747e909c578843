// refused: shared/ is spoken by both sides
import { a } from '../electron/core/kit/clock.ts'
import type { B } from '../electron/core/kit/clock.ts'
export * from '../electron/core/kit/clock.ts'
export { c } from '../electron/core/kit/clock.ts'
export const later = () => import('../electron/core/kit/clock.ts')
export type Far = import('../electron/core/kit/clock.ts').Far
export const used: B = a
