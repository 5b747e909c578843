// refused: The page is built, not imported
import { a } from '../../renderer/main.tsx'
import type { B } from '../../renderer/main.tsx'
export * from '../../renderer/main.tsx'
export { c } from '../../renderer/main.tsx'
export const later = () => import('../../renderer/main.tsx')
export type Far = import('../../renderer/main.tsx').Far
export const used: B = a
