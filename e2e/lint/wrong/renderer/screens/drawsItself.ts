// refused: Charts are drawn in renderer/parts only
import { a } from 'recharts'
import type { B } from 'recharts'
export * from 'recharts'
export { c } from 'recharts'
export const later = () => import('recharts')
export type Far = import('recharts').Far
export const used: B = a
