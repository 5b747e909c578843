// What can be set of Overlap itself.
import type { PlainHttp } from '../../shared/contract.ts'
import { usePlainHttp } from '../state/plainHttp.ts'
import type { Action } from './action.ts'

/** Opens or closes the door, whichever it is not. */
export function switchPlainHttp(now: PlainHttp): Action {
  const open = now.address === null
  return {
    id: 'settings.plainHttp', label: open ? 'Open for browsers and scripts' : 'Close for browsers and scripts', group: 'View', whileHeld: true,
    about: open ? 'Overlap will listen on 127.0.0.1, now and after every start, and answer whoever has its token.' : 'Overlap will no longer listen. Browsers and scripts that are linked now lose their link.',
    blocked: now.canClose ? null : 'It is the way in for this page: it stays open until Overlap ends.',
    run: (client) => client.workstation.setPlainHttp({ open }),
    watch: () => () => (usePlainHttp.getState().plainHttp?.address !== null) === open,
  }
}
