// refused: The database is opened in core/store only
import { a } from 'better-sqlite3'
import type { B } from 'better-sqlite3'
export * from 'better-sqlite3'
export { c } from 'better-sqlite3'
export const later = () => import('better-sqlite3')
export type Far = import('better-sqlite3').Far
export const used: B = a
