import { Failure } from '../../shared/errors.ts'
import { defaultUrl, type ServerAddress } from './server-address.ts'

/**
 * The root of a server, without a slash at the end.
 * @throws Failure `usage` for text that is no http URL, or that would show the key to the network
 */
export function checkedUrl({ url: text, from }: Pick<ServerAddress, 'url' | 'from'>, allowHttp: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new Failure('usage', `${from}: must be a URL such as ${defaultUrl}`)
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new Failure('usage', `${from}: must be the server's root alone, without user, query or fragment`)
  }
  if (isOpenHttp(url) && !allowHttp) {
    throw new Failure('usage', `${from}: plain http would show the key to the network between here and ${url.host}`, {
      hint: 'use https, or add --allow-http where you trust the network',
    })
  }
  return rootOf(url)
}

/** The same server gives the same text: a slash at the end makes no other server. */
function rootOf(text: string | URL): URL {
  const url = new URL(text)
  url.pathname = url.pathname.replace(/\/+$/, '')
  return url
}

/** Whether two addresses are the address of one server. */
export const isSameRoot = (one: string, other: string): boolean =>
  one === other || (URL.canParse(one) && URL.canParse(other) && rootOf(one).href === rootOf(other).href)

/** Whether the network between here and the server sees what is sent. */
export const isOpenHttp = (url: URL): boolean => url.protocol === 'http:' && !isLoopback(url.hostname)

/** Whether a host of a URL is this machine. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host)
