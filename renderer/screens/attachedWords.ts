// What the top bar says of engines and MPS beside the daemon's state.
import type { Engine } from '../../shared/engine.ts'
import type { FoundEngine } from '../../shared/foundEngine.ts'

/** `1 of 2 engines attached · 1 found, not on MPS`. Of those that run on one GPU. */
export function attachedWords(own: readonly Pick<Engine, 'attachment'>[], found: readonly Pick<FoundEngine, 'attachment'>[]): string {
  const words = [...(own.length === 0 ? [] : [`${countOf(own, 'attached')} of ${own.length} engines attached`]), ...(found.length === 0 ? [] : [`${found.length} found${foundWords(found)}`])]
  return words.join(' · ') || 'no engine runs'
}

/** Nothing where it is not known. */
function foundWords(found: readonly Pick<FoundEngine, 'attachment'>[]): string {
  const attached = countOf(found, 'attached')
  if (attached > 0) return attached === found.length ? ', on MPS' : `, ${attached} on MPS`
  return countOf(found, 'notAttached') === found.length ? ', not on MPS' : ''
}

const countOf = (engines: readonly Pick<Engine, 'attachment'>[], state: Engine['attachment']['state']): number => engines.filter(({ attachment }) => attachment.state === state).length
