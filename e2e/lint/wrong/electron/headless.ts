// refused: Electron is spoken to in electron/app, main.ts and preload.ts only
import { a } from 'electron'
import type { B } from 'electron'
export * from 'electron'
export { c } from 'electron'
export const later = () => import('electron')
export type Far = import('electron').Far
export const used: B = a
