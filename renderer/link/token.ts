// The token comes in the address's fragment, which never travels to a server; it is taken out of sight and kept for this tab only.

const KEPT = 'overlap.token'

export function takeToken(): string | null {
  const match = /(?:^#|&)token=([^&]+)/.exec(location.hash)
  if (match?.[1]) {
    sessionStorage.setItem(KEPT, decodeURIComponent(match[1]))
    const rest = location.hash.replace(/(^#|&)token=[^&]+&?/, '$1').replace(/^#$/, '')
    history.replaceState(null, '', `${location.pathname}${rest}`)
  }
  return sessionStorage.getItem(KEPT)
}
