import { generateCookie } from 'hono/cookie'

/** How a browser keeps a cookie. */
export interface CookieRules {
  isSecure: boolean
  sameSite: 'Strict' | 'Lax'
  /** Undefined for a cookie that ends with the browser. */
  maxAgeSeconds?: number
}

/**
 * The values that a request has under the name of a cookie. All of them, where hono/cookie gives one: another site under the same domain may
 * have added the second.
 */
export function cookieValues(header: string | undefined, name: string): string[] {
  return (header ?? '').split(';').flatMap((pair) => {
    const at = pair.indexOf('=')
    return at > 0 && pair.slice(0, at).trim() === name ? [pair.slice(at + 1).trim()] : []
  })
}

/** The value of `Set-Cookie`. The cookie is for this host alone, and no script can read it. */
export const setCookie = (name: string, value: string, { isSecure, sameSite, maxAgeSeconds }: CookieRules): string =>
  generateCookie(name, value, {
    path: '/',
    httpOnly: true,
    sameSite,
    secure: isSecure,
    ...(maxAgeSeconds !== undefined && { maxAge: maxAgeSeconds }),
  })
