import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Certificate,
  certificate,
  expiredCertificate,
  hasOpenssl,
  serveHttps,
} from '../../support/fakes/https-server.ts'
import { configHome, secretFile } from '../../support/programs/config-home.ts'
import { jobsctlProcess, runJobsctl } from '../../support/programs/jobsctl.ts'

describe.skipIf(!hasOpenssl)('a server that speaks https', () => {
  let own: Certificate
  let server: Awaited<ReturnType<typeof serveHttps>>
  beforeAll(async () => {
    own = await certificate('IP:127.0.0.1')
    server = await serveHttps(own)
  })
  afterAll(() => server?.stop())

  const stats = async (profile: object) => {
    const { env } = await configHome({ profiles: { tls: { api_key_file: await secretFile('k'), ...profile } } })
    return runJobsctl(['stats', '--profile', 'tls', '--retries', '0'], { env })
  }

  it('is not trusted with a certificate of an unknown authority, and the hint names ca_file', async () => {
    const { code, err } = await stats({ url: server.url })
    expect(code).toBe(7)
    expect(err).toContain(`cannot reach ${server.url}: its certificate is signed by itself`)
    expect(err).toMatch(/hint: set ca_file in the profile, or NODE_EXTRA_CA_CERTS/)
  })

  it('is trusted with the ca_file of its profile', async () => {
    expect(await stats({ url: server.url, ca_file: own.cert })).toMatchObject({ code: 0, err: '' })
  })

  it('is trusted with NODE_EXTRA_CA_CERTS, also where the profile has a ca_file for others', async () => {
    const other = await certificate('DNS:elsewhere.example')
    const profile = { api_key_file: await secretFile('k'), url: server.url }
    const { env } = await configHome({
      profiles: { others: { ...profile, ca_file: other.cert }, own: { ...profile, ca_file: own.cert } },
    })
    const statsWith = (name: string, extra: string) =>
      jobsctlProcess(['stats', '--profile', name, '--retries', '0'], { env: { ...env, NODE_EXTRA_CA_CERTS: extra } })
    expect(await statsWith('others', own.cert)).toMatchObject({ code: 0, err: '' })
    expect(await statsWith('others', '')).toMatchObject({ code: 7 })
    // Node itself warns of a file that is not there.
    expect(await statsWith('own', `${own.cert}.missing`)).toMatchObject({ code: 0 })
  })

  it('is not reached with a ca_file that is missing, and the error names the file', async () => {
    const { code, err } = await stats({ url: server.url, ca_file: `${own.cert}.missing` })
    expect(code).toBe(2)
    expect(err).toContain(`${own.cert}.missing`)
    expect(err).not.toContain('ENOENT')
  })

  it('is not trusted with a certificate for another host', async () => {
    const other = await certificate('DNS:elsewhere.example')
    const elsewhere = await serveHttps(other)
    const { code, err } = await stats({ url: elsewhere.url, ca_file: other.cert })
    elsewhere.stop()
    expect(code).toBe(7)
    expect(err).toContain('its certificate is for another host name')
    expect(err).toContain('hint: use the host name in the certificate for --url')
  })

  it('is not trusted with a certificate that has expired, by one profile and in a fleet', async () => {
    const old = await expiredCertificate('IP:127.0.0.1')
    const expired = await serveHttps(old)
    const ca_file = old.cert
    const api_key_file = await secretFile('k')
    const { env } = await configHome({
      profiles: {
        eu: { url: expired.url, ca_file, api_key_file },
        us: { url: server.url, ca_file: own.cert, api_key_file },
      },
    })
    const told = `cannot reach ${expired.url}: its certificate has expired\n  hint: renew the certificate of the server\n`
    const run = (...argv: string[]) => runJobsctl(['stats', ...argv, '--retries', '0'], { env })
    const one = await run('--profile', 'eu')
    const both = await run('--fleet', '*')
    const without = await run('--fleet', 'eu', '--json')
    expired.stop()
    expect(one).toMatchObject({ code: 7, out: '' })
    expect(one.err).toBe(`error: ${told}`)
    expect(both).toMatchObject({ code: 9, out: '' })
    expect(both.err).toBe(`error: eu: ${told}`)
    expect(without).toMatchObject({ code: 7, out: '' })
    expect(JSON.parse(without.err)).toMatchObject({ error: { code: 'unreachable', exit: 7 } })
    expect(expired.keys).toEqual([])
  })

  it('gets a hint to write https where it is called with http', async () => {
    const { code, err } = await stats({ url: server.url.replace('https:', 'http:') })
    expect(code).toBe(7)
    expect(err).toContain('write https:// in place of http:// if the port is an https port')
  })
})
