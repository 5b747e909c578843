// refused: Processes are started by a Host only
import { a } from 'child_process'
import type { B } from 'child_process'
export * from 'child_process'
export { c } from 'child_process'
export const later = () => import('child_process')
export type Far = import('child_process').Far
export const used: B = a
