// refused: shared/ has no Node
import { a } from 'node:fs'
import type { B } from 'node:fs'
export * from 'node:fs'
export { c } from 'node:fs'
export const later = () => import('node:fs')
export type Far = import('node:fs').Far
export const used: B = a
