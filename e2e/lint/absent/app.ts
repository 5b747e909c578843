// No page is there: every line below must be refused.
export const a = document.title
export const b = window.innerWidth
export const c = alert('')
