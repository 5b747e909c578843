// refused: Processes are started by a Host only
import { a } from 'node:child_process'
import type { B } from 'node:child_process'
export * from 'node:child_process'
export { c } from 'node:child_process'
export const later = () => import('node:child_process')
export type Far = import('node:child_process').Far
export const used: B = a
