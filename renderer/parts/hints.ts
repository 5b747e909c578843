// Hints as a screen says them. The same hint reaches scripts, which need the name of the input; people have a field or a button for it.

const ON_SCREEN: [RegExp, string][] = [
  [/\b(or )?(stop|restart) with forceAfterSeconds: they then get errors when that time is over\./, '$1force them out: they then get errors when the time set for it is over.'],
  [/\bforceAfterSeconds\b/g, 'a time to force after'],
  [/\bdrainSeconds\b/g, 'a time to finish'],
]

export function hintOnScreen(hint: string): string {
  return ON_SCREEN.reduce((text, [named, said]) => text.replace(named, said), hint)
}
