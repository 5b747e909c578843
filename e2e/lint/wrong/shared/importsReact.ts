// refused: shared/ has no Node, no DOM
import { a } from 'react'
import type { B } from 'react'
export * from 'react'
export { c } from 'react'
export const later = () => import('react')
export type Far = import('react').Far
export const used: B = a
