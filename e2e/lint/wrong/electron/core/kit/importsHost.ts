// refused: core/kit may not import core/host
import { a } from '../host/host.ts'
import type { B } from '../host/host.ts'
export * from '../host/host.ts'
export { c } from '../host/host.ts'
export const later = () => import('../host/host.ts')
export type Far = import('../host/host.ts').Far
export const used: B = a
