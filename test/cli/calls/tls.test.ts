import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Certificate, certificate, hasOpenssl, serveHttps } from '../../support/fakes/https-server.ts'
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

  it('gets a hint to write https where it is called with http', async () => {
    const { code, err } = await stats({ url: server.url.replace('https:', 'http:') })
    expect(code).toBe(7)
    expect(err).toContain('write https:// in place of http:// if the port is an https port')
  })
})
