// refused: sim shares no code with the product
import { percent } from '../../shared/units.ts'
export * from '../../shared/units.ts'
export { rate } from '../../shared/units.ts'
export const later = () => import('../../shared/units.ts')
export const used = percent(1)
