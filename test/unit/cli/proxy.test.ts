import { describe, expect, it } from 'vitest'
import { proxyFor } from '../../../cli/settings/proxy.ts'

const proxy = 'http://proxy.example:3128'
const proxyOf = (url: string, env: Record<string, string>) => proxyFor(new URL(url), env)?.url.host

describe('NO_PROXY, as curl reads it', () => {
  it.each([
    ['jobs.corp.example', 'jobs.corp.example', true],
    ['jobs.corp.example', 'corp.example', true],
    ['jobs.corp.example', '.corp.example', true],
    ['jobs.corp.example', 'CORP.example.', true],
    ['corp.example', '.corp.example', true],
    ['jobs.corp.example.', 'corp.example', true],
    ['jobs.corp.example', 'a.test, ,b.test,corp.example', true],
    ['jobs.corp.example', 'a.test corp.example', true],
    ['jobs.corp.example', ' * ', true],
    ['jobscorp.example', 'corp.example', false],
    ['jobs.corp.example', 'obs.corp.example', false],
    ['jobs.corp.example', '*.corp.example', false],
    ['jobs.corp.example', 'a.test,*', false],
    ['jobs.corp.example', '', false],
    ['jobs.corp.example', ', .', false],
    ['10.1.2.3', '10.0.0.0/8', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.3/0', true],
    ['10.1.2.3', '10.1.2.0/0', false],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['10.1.2.3', '10.0.0.0/33', false],
    ['10.1.2.3', '10.0.0.0/x', false],
    ['10.1.2.3', '2.3', false],
    ['[fd00::1]', 'fd00::/8', true],
    ['[fd00::1]', '[fd00:0::1]', true],
    ['[fe00::1]', 'fd00::/8', false],
    ['[fd00::1]', '10.0.0.0/8', false],
  ])('%s with %j: %s', (host, list, isDirect) => {
    const env = { HTTPS_PROXY: proxy, NO_PROXY: list }
    expect(proxyOf(`https://${host}:8443/base`, env)).toBe(isDirect ? undefined : 'proxy.example:3128')
  })
})

describe('HTTPS_PROXY, as curl reads it', () => {
  it.each([
    ['proxy.example', 'proxy.example:1080'],
    ['proxy.example:3128', 'proxy.example:3128'],
    ['http://proxy.example', 'proxy.example:1080'],
    ['http://proxy.example:80/', 'proxy.example'], // the port of http
    ['HTTP://ada:word@proxy.example:8080', 'proxy.example:8080'],
    ['https://proxy.example', 'proxy.example'], // the port of https
    ['[fd00::1]:3128', '[fd00::1]:3128'],
    ['http://[fd00::1]', '[fd00::1]:1080'],
  ])('%s is at %s', (text, host) => {
    expect(proxyOf('https://jobs.example', { HTTPS_PROXY: text })).toBe(host)
  })

  it('counts after https_proxy, as NO_PROXY does after no_proxy, and a blank value is none', () => {
    const env = { https_proxy: 'small:1', HTTPS_PROXY: 'large:2' }
    expect(proxyOf('https://jobs.example', env)).toBe('small:1')
    expect(proxyOf('https://jobs.example', { ...env, https_proxy: '' })).toBe('large:2')
    expect(proxyOf('https://jobs.example', { ...env, no_proxy: 'other.example', NO_PROXY: '*' })).toBe('small:1')
    expect(proxyOf('https://jobs.example', { ...env, no_proxy: '', NO_PROXY: '*' })).toBeUndefined()
  })

  it.each(['http://jobs.example', 'https://localhost', 'https://127.3.2.1', 'https://[::1]'])(
    'is not asked for %s, also where its own address is wrong',
    (url) => {
      expect(proxyOf(url, { HTTPS_PROXY: 'socks5://proxy.example', HTTP_PROXY: proxy })).toBeUndefined()
    },
  )
})
