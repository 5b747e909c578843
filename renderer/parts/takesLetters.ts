// takesLetters: whether a key that is pressed there is typed into something.
const WITHOUT_LETTERS = ['radio', 'checkbox', 'range', 'button', 'submit', 'file', 'color']

export function takesLetters(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return !WITHOUT_LETTERS.includes(target.type)
  return target instanceof HTMLTextAreaElement || target.isContentEditable
}
