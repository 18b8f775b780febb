import { Failure } from '../../shared/errors.ts'
import { type HttpProxy, proxyName } from '../settings/proxy.ts'

/** The error for a proxy that answers a CONNECT with an error: nothing was sent to the server. */
export const tunnelRefused = (status: number): Error =>
  Object.assign(new Error(`HTTP ${status}`), { proxyStatus: status })

interface Called {
  /** The server that was called. */
  url: URL
  proxy: HttpProxy
}

/** The failure for an error of `tunnelRefused`, else undefined. After a 4xx, another try would be refused as well. */
export function failureOfTunnel(error: unknown, { url, proxy }: Called): Failure | undefined {
  // The class of an error would differ, since each built file has its own.
  const status = error instanceof Error && 'proxyStatus' in error ? Number(error.proxyStatus) : undefined
  if (status === undefined) return undefined
  return new Failure(
    status < 500 ? 'forbidden' : 'unreachable',
    `the proxy ${proxyName(proxy)} answered HTTP ${status} and let no call through to ${url.origin}; nothing was sent`,
    { hint: status === 407 ? passwordHint(proxy) : exceptHint(url) },
  )
}

const passwordHint = ({ url, from }: HttpProxy): string =>
  `put a user name and password of the proxy into ${from}, as in ${url.protocol}//USER:PASSWORD@${url.host}`

const exceptHint = ({ hostname }: URL): string =>
  `ask who runs the proxy, or add ${hostname} to NO_PROXY to call it without the proxy`

/** What to do where the way through a proxy breaks. */
export const hintOnProxy = ({ url, proxy }: Called): string =>
  `check the address in ${proxy.from}, or add ${url.hostname} to NO_PROXY to call it without the proxy`
