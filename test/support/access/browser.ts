import * as z from 'zod'
import { openSession } from '../../../shared/endpoints.ts'
import { type Answer, call } from '../http.ts'

type Headers = Record<string, string>

/** What a browser adds to the calls of a page of the server. */
export const samePage: Headers = { 'sec-fetch-site': 'same-origin', 'x-confirm': 'true' }

/** A browser with the cookie that the server has set last. */
export interface Browser {
  /** The cookie as `name=value`; empty without one. */
  cookie: string
  /** The header `Set-Cookie` of the last answer that had one. */
  setCookie: string
  /** A call of a page of the server; a header that is an empty string is not sent. */
  call: (method: string, path: string, body?: unknown, headers?: Headers) => Promise<Answer>
  logIn: (key: string, headers?: Headers) => Promise<Answer>
}

export function openBrowser(url: string): Browser {
  const browser: Browser = {
    cookie: '',
    setCookie: '',
    async call(method, path, body, headers = {}) {
      const sent = Object.entries({ ...samePage, cookie: browser.cookie, ...headers }).filter(([, value]) => value)
      const answer = await call({ url, method, path, body, headers: Object.fromEntries(sent) })
      const set = answer.headers['set-cookie']
      if (set !== undefined) {
        browser.setCookie = set
        const pair = set.split(';')[0] ?? ''
        browser.cookie = pair.endsWith('=') ? '' : pair
      }
      return answer
    },
    logIn: (key, headers) => browser.call('POST', openSession.path, { key }, headers),
  }
  return browser
}

const Named = z.looseObject({ session: z.looseObject({ id: z.string() }) })

/** The name of the session in the answer of a login. */
export const sessionOf = ({ body }: Answer): string => Named.parse(body).session.id
