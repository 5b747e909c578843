// Neither Node nor a page is there: every line below must be refused.
export const a = process.pid
export const b = document.title
export const c = setTimeout(() => {}, 1)
export const d = fetch('/')
export const e = Buffer.from('')
