import { Failure } from '../../../shared/errors.ts'
import { longestLogin } from '../../auth/oidc/begun-logins.ts'
import { hashed } from '../../auth/secrets.ts'
import { isLoopbackHost } from '../../env/public-url.ts'
import { setCookie } from './cookie.ts'

type ReadHeader = (name: string) => string | undefined

/** A request, as far as it matters where it comes from. */
export interface Origin {
  method: string
  header: ReadHeader
}

/** Where browsers reach the server, and what is asked of their requests. */
export interface Site {
  /** The path below which everything is served, as `/jobs`; empty for the root. */
  base: string
  /** The name of the cookie of a session. It differs between servers under one host, since cookies know no port and no path. */
  cookieName: (header: ReadHeader) => string
  /** The header `Set-Cookie` of a session; without a secret it forgets the session. */
  sessionCookie: (header: ReadHeader, secret: string | undefined) => string
  /** The URL of the server as the browser has it, with the base path and without a slash at its end. */
  rootOf: (header: ReadHeader) => string
  /** The cookie of a login by single sign-on, which the browser sends when the provider sends it back; ten minutes long. */
  loginCookieName: (header: ReadHeader) => string
  loginCookie: (header: ReadHeader, secret: string | undefined) => string
  /**
   * Refuses a request of a browser that reached the server by another name: its cookies and its pages would be those of another site.
   * @throws Failure `misdirected`; `forbidden` where a proxy forwarded the request, and nothing says under which name
   */
  requireOwnHost: (header: ReadHeader) => void
  /**
   * Refuses what another site has sent in the name of a user: by `Sec-Fetch-Site`, or by `Origin` where a browser does not send that.
   * @throws Failure `forbidden`
   */
  requireSameOrigin: (request: Origin) => void
}

/** @param publicUrl `JOBS_PUBLIC_URL` */
export function createSite(publicUrl: string | undefined): Site {
  const url = publicUrl === undefined ? undefined : new URL(publicUrl)
  const base = url?.pathname.replace(/\/+$/, '') ?? ''
  const isSecure = url?.protocol === 'https:'
  const nameOf = (what: string, header: ReadHeader) =>
    `${isSecure ? '__Host-' : ''}jobs_${what}_${hashed(url ? url.origin + base : hostOf(header)).slice(0, 8)}`
  const cookieName = (header: ReadHeader) => nameOf('session', header)
  const loginCookieName = (header: ReadHeader) => nameOf('login', header)
  const isOwn = (origin: string, header: ReadHeader) =>
    origin === url?.origin || (isLoopbackHost(hostOf(header)) && origin === `http://${hostOf(header)}`)
  return {
    base,
    cookieName,
    // A proxy may have written another host, so that only a server without a URL goes by the request.
    rootOf: (header) => `${url?.origin ?? `http://${hostOf(header)}`}${base}`,
    loginCookieName,
    loginCookie: (header, secret) =>
      setCookie(loginCookieName(header), secret ?? '', {
        isSecure,
        sameSite: 'Lax',
        maxAgeSeconds: secret === undefined ? 0 : longestLogin,
      }),
    sessionCookie: (header, secret) =>
      setCookie(cookieName(header), secret ?? '', {
        isSecure,
        sameSite: 'Strict',
        ...(secret === undefined && { maxAgeSeconds: 0 }),
      }),
    requireOwnHost(header) {
      const host = hostOf(header)
      if (url !== undefined && (isLoopbackHost(host) || host === url.host)) return
      if (url !== undefined || !isLoopbackHost(host)) throw misdirected(host, url)
      if (forwarding.some((name) => header(name) !== undefined)) throw forwardedUnnamed()
    },
    requireSameOrigin({ method, header }) {
      const isRead = method === 'GET' || method === 'HEAD'
      const site = header('sec-fetch-site')
      const origin = header('origin')
      const isSame =
        site === undefined
          ? isRead || (origin !== undefined && isOwn(origin, header))
          : site === 'same-origin' || (isRead && site === 'none')
      if (!isSame) throw crossSite()
    },
  }
}

/** `Host` in lower case; without the port that https has anyhow, as a URL has it. */
const hostOf = (header: ReadHeader): string => (header('host') ?? '').trim().toLowerCase().replace(/:443$/, '')

/** What proxies add to a request. */
const forwarding = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

const misdirected = (host: string, url: URL | undefined): Failure =>
  new Failure(
    'misdirected',
    `browsers reach this server ${url ? `as ${url.host}, and ` : ''}on its own machine as localhost, and not as ${JSON.stringify(host.slice(0, 100))}; nothing was changed`,
    { hint: url ? `use ${url.href}` : 'set JOBS_PUBLIC_URL to the https URL by which browsers reach the server' },
  )

const forwardedUnnamed = (): Failure =>
  new Failure(
    'forbidden',
    'a proxy has forwarded the request, and the server does not know its own URL; nothing was changed',
    {
      hint: 'set JOBS_PUBLIC_URL to the https URL by which browsers reach the server',
    },
  )

const crossSite = (): Failure =>
  new Failure(
    'forbidden',
    'the request comes from another site, or does not say where it comes from; nothing was changed',
    {
      hint: 'with the cookie of a session only pages of this server make changes; programs send a key or a token',
    },
  )
