// What the top bar says of engines and MPS beside the daemon's state.
import type { Engine } from '../../shared/engine.ts'
import type { FoundEngine } from '../../shared/foundEngine.ts'

type Own = Pick<Engine, 'attachment' | 'temporary'> & { spec: Pick<Engine['spec'], 'onMps'> }

/** `1 of 2 engines attached · 1 found, not on MPS`. Of those that run on one GPU. Copies that an experiment keeps off MPS are counted apart: they are no engines that miss it. */
export function attachedWords(own: readonly Own[], found: readonly Pick<FoundEngine, 'attachment'>[]): string {
  const meant = own.filter(({ temporary, spec }) => !temporary || spec.onMps)
  const off = own.length - meant.length
  return [
    ...(meant.length === 0 ? [] : [`${countOf(meant, 'attached')} of ${meant.length} engines attached`]),
    ...(off === 0 ? [] : [`${off} ${off === 1 ? 'copy' : 'copies'} kept off MPS`]),
    ...(found.length === 0 ? [] : [`${found.length} found${foundWords(found)}`]),
  ].join(' · ') || 'no engine runs'
}

/** Nothing where it is not known. */
function foundWords(found: readonly Pick<FoundEngine, 'attachment'>[]): string {
  const attached = countOf(found, 'attached')
  if (attached > 0) return attached === found.length ? ', on MPS' : `, ${attached} on MPS`
  return countOf(found, 'notAttached') === found.length ? ', not on MPS' : ''
}

const countOf = (engines: readonly Pick<Engine, 'attachment'>[], state: Engine['attachment']['state']): number => engines.filter(({ attachment }) => attachment.state === state).length
