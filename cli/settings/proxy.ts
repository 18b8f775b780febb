import { BlockList, isIP } from 'node:net'
import { Failure } from '../../shared/errors.ts'
import { isLoopback } from './server-url.ts'

/** A proxy through which calls go. */
export interface HttpProxy {
  /** The address, without the user name and password. */
  url: URL
  /** The variable that gives it. */
  from: string
  /** The value of `Proxy-Authorization`, where the address has a user name. */
  authorization: string | undefined
}

/** How errors, doctor and `--debug` name a proxy. */
export const proxyName = ({ url, from }: HttpProxy): string => `${url.protocol}//${url.host} (${from})`

/**
 * The proxy for calls to a server, from `HTTPS_PROXY` and `NO_PROXY` as curl reads them. Calls to this machine and those by http go
 * through none: a proxy would see the key.
 * @throws Failure `usage` for an address that jobsctl cannot use
 */
export function proxyFor(server: URL, env: NodeJS.ProcessEnv): HttpProxy | undefined {
  if (server.protocol !== 'https:' || isLoopback(server.hostname)) return undefined
  // As in curl: the name in lower case comes first, and a blank value names no proxy.
  const from = ['https_proxy', 'HTTPS_PROXY'].find((name) => env[name])
  const text = from && env[from]
  if (!from || !text || isExcepted(server.hostname, env.no_proxy || env.NO_PROXY || '')) return undefined
  return proxyAt(text, from)
}

/** Without a scheme it is http, without a port 1080, or 443 for https. */
function proxyAt(text: string, from: string): HttpProxy {
  const whole = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(whole) ? new URL(whole) : undefined
  const userAndPassword = url && [url.username, url.password].map(decoded)
  if (!url || !/^https?:$/.test(url.protocol) || userAndPassword?.includes(undefined)) {
    throw new Failure('usage', `${from}: must be the address of an HTTP proxy; nothing was sent`, {
      hint: `write it as in ${from}=http://proxy.example.com:3128, or name the server in NO_PROXY`,
    })
  }
  if (url.protocol === 'http:' && !/:\d+\/*$/.test(whole)) url.port = '1080'
  const authorization =
    url.username === '' ? undefined : `Basic ${Buffer.from(userAndPassword?.join(':') ?? '').toString('base64')}`
  return { url: new URL(url.origin), from, authorization }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/**
 * Whether a list of `NO_PROXY` names a host: by its name, the name of a domain with or without a dot before it, an address, or a block
 * of addresses. `*` alone names all.
 */
function isExcepted(hostname: string, list: string): boolean {
  if (list.trim() === '*') return true
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const family = isIP(host)
  return list
    .split(/[\s,]+/)
    .filter((name) => name !== '')
    .some((name) => (family === 0 ? isOfDomain(host, name) : isOfBlock(host, family, name)))
}

function isOfDomain(host: string, name: string): boolean {
  const domain = name.toLowerCase().replace(/^\./, '').replace(/\.$/, '')
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`))
}

function isOfBlock(host: string, family: number, name: string): boolean {
  const [network = '', bits = ''] = name.replace(/^\[|\]$/g, '').split('/')
  const most = family === 4 ? 32 : 128
  if (isIP(network) !== family || !/^\d*$/.test(bits) || Number(bits) > most) return false
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  const block = new BlockList()
  block.addSubnet(network, Number(bits) || most, kind)
  return block.check(host, kind)
}
