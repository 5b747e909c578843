// refused: app imports core and shared only
import { a } from '../web/server.ts'
import type { B } from '../web/server.ts'
export * from '../web/server.ts'
export { c } from '../web/server.ts'
export const later = () => import('../web/server.ts')
export type Far = import('../web/server.ts').Far
export const used: B = a
