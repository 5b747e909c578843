// refused: Processes are started by a Host only
import { a } from 'node:worker_threads'
import type { B } from 'node:worker_threads'
export * from 'node:worker_threads'
export { c } from 'node:worker_threads'
export const later = () => import('node:worker_threads')
export type Far = import('node:worker_threads').Far
export const used: B = a
