// refused: sim shares no code with the product
import { a } from 'zod'
import type { B } from 'zod'
export * from 'zod'
export { c } from 'zod'
export const later = () => import('zod')
export type Far = import('zod').Far
export const used: B = a
