import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectProxy } from '../../support/fakes/connect-proxy.ts'
import { fakeServer } from '../../support/fakes/fake-server.ts'
import { type Certificate, certificate, hasOpenssl, serveHttps } from '../../support/fakes/https-server.ts'
import { until } from '../../support/poll.ts'
import { configHome, secretFile } from '../../support/programs/config-home.ts'
import { jobsctlProcess, runJobsctl } from '../../support/programs/jobsctl.ts'

/** No name server knows this name: only a proxy reaches it. */
const name = 'jobs.example'

describe.skipIf(!hasOpenssl)('a server behind HTTPS_PROXY', () => {
  let own: Certificate
  let server: Awaited<ReturnType<typeof serveHttps>>
  beforeAll(async () => {
    own = await certificate(`DNS:${name},IP:127.0.0.1`)
    server = await serveHttps(own)
  })
  afterAll(() => server?.stop())

  const proxied = () => connectProxy({ port: server.port })
  const withProfile = async (env: Record<string, string | undefined>, url = `https://${name}`) => ({
    ...(
      await configHome({ profiles: { far: { url, ca_file: own.cert, api_key_file: await secretFile('secret-key') } } })
    ).env,
    ...env,
  })
  const run = async (words: string[], env: Record<string, string | undefined>, url?: string) =>
    runJobsctl([...words, '--profile', 'far', '--retries', '0'], { env: await withProfile(env, url) })

  it('is called through a tunnel, in which the proxy sees neither the key nor the call', async () => {
    const proxy = await proxied()
    const { length } = server.keys
    expect(await run(['stats'], { HTTPS_PROXY: proxy.url })).toMatchObject({ code: 0, err: '' })
    expect(server.keys.slice(length)).toEqual(['secret-key'])
    expect(proxy.asked.map(({ to }) => to)).toEqual([`${name}:443`])
    expect(JSON.stringify(proxy.asked)).not.toContain('secret-key')
  })

  it('is called so by the built program', async () => {
    const proxy = await proxied()
    const env = await withProfile({ HTTPS_PROXY: proxy.url })
    expect(await jobsctlProcess(['stats', '--profile', 'far'], { env })).toMatchObject({ code: 0, err: '' })
    expect(proxy.asked).toHaveLength(1)
    const refusing = await connectProxy({ status: 403 })
    const refused = await jobsctlProcess(['stats', '--profile', 'far'], { env: { ...env, HTTPS_PROXY: refusing.url } })
    expect(refused).toMatchObject({ code: 4, err: expect.stringContaining('answered HTTP 403') })
    expect(refusing.asked).toHaveLength(1)
  })

  it('is reached with the user name and password in the address, which are shown nowhere', async () => {
    const proxy = await proxied()
    const HTTPS_PROXY = `ada:p%40ss@127.0.0.1:${proxy.port}` // without a scheme, as curl takes it
    const { code, err } = await run(['stats', '--debug'], { HTTPS_PROXY })
    expect(code).toBe(0)
    expect(proxy.asked[0]?.headers['proxy-authorization']).toBe(`Basic ${Buffer.from('ada:p@ss').toString('base64')}`)
    expect(err).toContain(`> through the proxy http://127.0.0.1:${proxy.port} (HTTPS_PROXY)\n`)
    expect(err).not.toMatch(/ada|p@ss|p%40ss|YWRh/)
  })

  it('is named by doctor with its proxy', async () => {
    const proxy = await proxied()
    const { out } = await run(['doctor', '--json'], { https_proxy: `http://ada:secret@127.0.0.1:${proxy.port}` })
    const detail = `https://${name}/ (profile far (--profile)), through the proxy http://127.0.0.1:${proxy.port} (https_proxy)`
    expect(JSON.parse(out)).toContainEqual(expect.objectContaining({ check: 'target', detail }))
    expect(out).not.toContain('secret@')
  })

  it.each([name, `.${name}`, 'EXAMPLE', 'other.test, example', '*'])(
    'is called directly with NO_PROXY=%s',
    async (list) => {
      const proxy = await proxied()
      const { code, err } = await run(['stats'], { HTTPS_PROXY: proxy.url, NO_PROXY: list })
      expect(code).toBe(7)
      expect(err).toMatch(new RegExp(`cannot reach https://${name}: the name `))
      expect(proxy.asked).toEqual([])
    },
  )

  it('on this machine is called without the proxy', async () => {
    const proxy = await proxied()
    expect(await run(['stats'], { HTTPS_PROXY: proxy.url }, server.url)).toMatchObject({ code: 0 })
    expect(proxy.asked).toEqual([])
  })

  it('is not reached where the proxy has another certificate than the one of the server', async () => {
    const other = await serveHttps(await certificate('DNS:elsewhere.example'))
    const proxy = await connectProxy({ port: other.port })
    const { code, err } = await run(['stats'], { HTTPS_PROXY: proxy.url })
    other.stop()
    expect(code).toBe(7)
    expect(err).toContain('its certificate is signed by itself')
    expect(other.keys).toEqual([])
  })

  it('is not reached through a proxy with a certificate that nobody signed', async () => {
    const other = await certificate('DNS:elsewhere.example')
    const proxy = await serveHttps(other)
    const { code, err } = await run(['stats'], { HTTPS_PROXY: `https://127.0.0.1:${proxy.port}` })
    proxy.stop()
    expect(code).toBe(7)
    expect(err).toContain(`through the proxy https://127.0.0.1:${proxy.port} (HTTPS_PROXY): its certificate is signed`)
  })

  const change = ['mark', 'deployed']
  it.each([
    [407, 4, /hint: put a user name and password of the proxy into HTTPS_PROXY, as in http:\/\/USER:PASSWORD@127/],
    [403, 4, /hint: ask who runs the proxy, or add jobs.example to NO_PROXY/],
    [502, 7, /hint: ask who runs the proxy/],
  ])('is not reached where the proxy answers %i, and nothing was sent', async (status, exit, hint) => {
    const proxy = await connectProxy({ status })
    const { code, err } = await run(change, { HTTPS_PROXY: proxy.url })
    expect(code).toBe(exit)
    expect(err).toContain(
      `the proxy ${proxy.url} (HTTPS_PROXY) answered HTTP ${status} and let no call through to https://${name}; nothing was sent`,
    )
    expect(err).toMatch(hint)
    expect(err).not.toContain('may still')
  })

  it('is not reached where the proxy hangs up, and it is asked once', async () => {
    const proxy = await connectProxy('close')
    const { code, err } = await run(change, { HTTPS_PROXY: proxy.url })
    expect(code).toBe(7)
    expect(err).toContain(
      `cannot reach https://${name} through the proxy ${proxy.url} (HTTPS_PROXY): the connection broke`,
    )
    expect(err).not.toContain('may still')
    expect(proxy.asked).toHaveLength(1)
  })

  it('is given up at the deadline where the proxy is silent, and the connection is closed', async () => {
    const proxy = await connectProxy('silence')
    const { code, err } = await run([...change, '--timeout', '1'], { HTTPS_PROXY: proxy.url })
    expect(code).toBe(7)
    expect(err).toContain(`no answer from https://${name} within 1 s`)
    expect(err).not.toContain('may still')
    await until('the proxy has no connection', () => proxy.sockets.size === 0)
  })

  it('is not reached where no proxy listens, and the hint names the variable', async () => {
    const proxy = await proxied()
    await proxy.stop()
    const { code, err } = await run(['stats'], { HTTPS_PROXY: proxy.url })
    expect(code).toBe(7)
    expect(err).toContain(`through the proxy ${proxy.url} (HTTPS_PROXY): connection refused`)
    expect(err).toContain(`hint: check the address in HTTPS_PROXY, or add ${name} to NO_PROXY`)
  })

  it.each(['socks5://user:secret@proxy.example', 'http://:secret@', 'http://a:%zz@proxy.example'])(
    '%s is no address of a proxy, and the error does not repeat it',
    async (address) => {
      const { code, err } = await run(['stats'], { HTTPS_PROXY: address })
      expect(code).toBe(2)
      expect(err).toContain('HTTPS_PROXY: must be the address of an HTTP proxy; nothing was sent')
      expect(err).not.toContain(address)
    },
  )
})

it('a server by http is called without a proxy, which would read the key', async () => {
  const server = await fakeServer(() => ({ body: [] }))
  const proxy = await connectProxy({ status: 500 })
  const env = { JOBSCTL_API_KEY: 'k', HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, http_proxy: proxy.url }
  expect(await runJobsctl(['stats'], { env: { ...env, JOBSCTL_URL: server.url } })).toMatchObject({ code: 0 })
  const far = { ...env, JOBSCTL_URL: `http://${name}` }
  expect(await runJobsctl(['stats', '--allow-http', '--retries', '0'], { env: far })).toMatchObject({ code: 7 })
  expect(proxy.asked).toEqual([])
})
