// refused: Sockets for people are opened in electron/web only
import { a } from 'ws'
import type { B } from 'ws'
export * from 'ws'
export { c } from 'ws'
export const later = () => import('ws')
export type Far = import('ws').Far
export const used: B = a
