// refused: The page has no Node and no electron
import { a } from 'node:path'
import type { B } from 'node:path'
export * from 'node:path'
export { c } from 'node:path'
export const later = () => import('node:path')
export type Far = import('node:path').Far
export const used: B = a
