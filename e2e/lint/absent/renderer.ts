// No Node is there: every line below must be refused.
export const a = process.pid
export const b = Buffer.from('')
export const c = __dirname
export const d = require('node:fs')
