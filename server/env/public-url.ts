/** Paths of the server, with which no base path may begin: a call without the base path would be taken for one with it. */
const ownPaths = /^\/(api|healthz|readyz|metrics|openapi\.json|ui)(\/|$)/

/** The names by which a machine reaches itself. */
const loopbackName = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i

/** True for the value of a `Host` header that names this machine. */
export const isLoopbackHost = (host: string): boolean => loopbackName.test(host.replace(/:\d{1,5}$/, ''))

/** True for a URL that people can reach the server by: https, or http on their own machine, and no more than a path. */
export function isPublicUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, host, pathname, search, hash, username, password } = new URL(text)
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopbackHost(host))) return false
  if (search || hash || username || password || !/^[\w\-./~]*$/.test(pathname)) return false
  return !ownPaths.test(pathname) && !/\/\/|\/\.{1,2}(\/|$)/.test(pathname)
}

/** True for the URL of a provider of single sign-on: https, or http on this machine, without a query. */
export function isIssuer(text: string): boolean {
  if (!URL.canParse(text) || text.includes('@')) return false
  const { protocol, host, search, hash } = new URL(text)
  return (protocol === 'https:' || (protocol === 'http:' && isLoopbackHost(host))) && !search && !hash
}
