// refused: Charts are drawn in renderer/parts only
import { a } from 'uplot'
import type { B } from 'uplot'
export * from 'uplot'
export { c } from 'uplot'
export const later = () => import('uplot')
export type Far = import('uplot').Far
export const used: B = a
