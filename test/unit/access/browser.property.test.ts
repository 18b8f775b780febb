import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isLoopbackHost, isPublicUrl } from '../../../server/env/public-url.ts'
import { cookieValues, setCookie } from '../../../server/http/browser/cookie.ts'
import { createSite, type Origin } from '../../../server/http/browser/site.ts'
import { Failure } from '../../../shared/errors.ts'

const token = fc.stringMatching(/^[\w-]{1,20}$/)

it('a cookie is found by its very name, whatever stands around it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(token, token)),
      token,
      fc.array(fc.constantFrom('', ' ', 'x', '=', '=x', ' = ')),
      (pairs, name, noise) => {
        const header = [...pairs.map(([key, value]) => `${key}=${value}`), ...noise].join('; ')
        const expected = pairs.filter(([key]) => key === name).map(([, value]) => value)
        expect(cookieValues(header, name)).toEqual(expected)
      },
    ),
  )
  fc.assert(
    fc.property(fc.string(), (header) => {
      for (const value of cookieValues(header, '__Host-x')) expect(header).toContain(value)
    }),
  )
})

it('a cookie that is set is read again', () => {
  fc.assert(
    fc.property(token, token, (name, value) => {
      const set = setCookie(name, value, { isSecure: true, sameSite: 'Strict' })
      expect(cookieValues(set.split(';')[0], name)).toEqual([value])
    }),
  )
})

const isRefused = (check: () => void): boolean => {
  try {
    check()
    return false
  } catch (error) {
    if (error instanceof Failure) return true
    throw error
  }
}

const sites = fc.constantFrom(undefined, 'same-origin', 'same-site', 'cross-site', 'none', '')
const origins = fc.constantFrom(
  undefined,
  'null',
  'https://ops.example',
  'http://ops.example',
  'https://evil.example',
  'http://localhost:1',
)
const hosts = fc.constantFrom('ops.example', 'localhost:1', 'evil.example')

it('a change is let through only where the browser says that a page of the server makes it', () => {
  const site = createSite('https://ops.example/jobs')
  fc.assert(
    fc.property(sites, origins, hosts, fc.constantFrom('POST', 'DELETE'), (fetchSite, origin, host, method) => {
      const sent = new Map(Object.entries({ 'sec-fetch-site': fetchSite, origin, host }))
      const request: Origin = { method, header: (name) => sent.get(name) }
      const isOwn = origin === 'https://ops.example' || (host === 'localhost:1' && origin === 'http://localhost:1')
      const expected = fetchSite === 'same-origin' || (fetchSite === undefined && isOwn)
      expect(isRefused(() => site.requireSameOrigin(request))).toBe(!expected)
    }),
    { numRuns: 300 },
  )
})

it('no host but the own one and loopback names is taken', () => {
  const site = createSite('https://ops.example')
  const name = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6(),
    fc.string(),
    fc.constantFrom('ops.example', 'localhost', '127.1.2.3', '[::1]'),
  )
  fc.assert(
    fc.property(name, (host) => {
      const own = host.trim().toLowerCase().replace(/:443$/, '')
      const expected = own === 'ops.example' || isLoopbackHost(own)
      expect(isRefused(() => site.requireOwnHost((header) => (header === 'host' ? host : undefined)))).toBe(!expected)
    }),
  )
})

it('a public URL has TLS or is of this machine, and a path that hides no path of the server', () => {
  for (const url of [
    'https://ops.example',
    'https://ops.example/',
    'https://ops.example/jobs/',
    'https://ops.example:8443/a/b',
    'http://localhost:8787',
    'http://127.0.0.1/x',
    'http://[::1]:8787',
  ])
    expect({ url, is: isPublicUrl(url) }).toEqual({ url, is: true })
  for (const url of [
    'http://ops.example',
    'http://localhost.evil.example',
    'https://ops.example/api/x',
    'https://ops.example/ui',
    'https://ops.example/a//b',
    'https://ops.example/a%20b',
    'https://ops.example/#x',
    'ftp://localhost',
    'javascript:alert(1)',
    '',
  ])
    expect({ url, is: isPublicUrl(url) }).toEqual({ url, is: false })
})
