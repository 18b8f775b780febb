import { expect, it } from 'vitest'
import { envOf, runAt } from '../../support/fakes/change-server.ts'
import { fakeServer } from '../../support/fakes/fake-server.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

it('a word of a path that another server reads as a job id is an endpoint that it lacks', async () => {
  const detail = [{ loc: ['path', 'job_id'], msg: 'Input should be a valid integer' }]
  const server = await fakeServer(() => ({ status: 422, body: { detail } }))
  for (const argv of [['queues'], ['operations']]) {
    expect(await runAt(server, argv)).toMatchObject({
      code: 5,
      err: expect.stringContaining(`${server.url} has no GET`),
    })
  }
})

it('a rejected key names the setting that gave it and the server that rejected it', async () => {
  const server = await fakeServer(() => ({ status: 401, body: { detail: 'Could not validate credentials' } }))
  const { code, err } = await runAt(server, ['stats'])
  expect(code).toBe(4)
  expect(err).toContain(`${server.url} rejected the key of JOBSCTL_API_KEY: Could not validate credentials`)
  expect(err).toContain('hint: put a key of this server into JOBSCTL_API_KEY')
})

it('a key for a server that takes tokens is told the setting of a token', async () => {
  const server = await fakeServer(() => ({
    ...{
      status: 401,
      body: { code: 'unauthenticated', detail: 'a token is needed' },
      headers: { 'www-authenticate': 'Bearer realm="jobs"' },
    },
  }))
  const run = async (env: Record<string, string>) => (await runJobsctl(['stats'], { env })).err
  const key = { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'k' }
  expect(await run(key)).toContain(
    'this server takes tokens: give the token by JOBSCTL_TOKEN in place of JOBSCTL_API_KEY',
  )
  const token = { JOBSCTL_URL: server.url, JOBSCTL_TOKEN: 'k' }
  expect(await run(token)).toContain('put a token of this server into JOBSCTL_TOKEN')
  expect(await run({ BASE: server.url, API_KEY: 'k' })).toContain('give the token by JOBSCTL_TOKEN in place of API_KEY')
})

it('a gateway error is the answer of a proxy, with the number of attempts', async () => {
  const server = await fakeServer(() => ({ status: 502, body: '<html>Bad Gateway</html>' }))
  const { code, err } = await runAt(server, ['stats', '--retries', '1'])
  expect(code).toBe(7)
  expect(err).toContain(`a proxy at ${server.url} answered HTTP 502; nothing was changed (2 attempts)`)
  expect(err).toContain('hint: check that the jobs server behind the proxy runs')
})

it('https to a port that speaks http is reported in plain words', async () => {
  const server = await fakeServer(() => ({ body: [] }))
  const env = { ...envOf(server), JOBSCTL_URL: server.url.replace('http:', 'https:') }
  const { code, err } = await runJobsctl(['stats', '--retries', '0'], { env })
  expect(code).toBe(7)
  expect(err).toMatch(/: the port speaks http, and https was expected|the port may speak http/)
  expect(err).toContain('hint: write http:// in place of https://')
})

it.each([
  [['--older-than', '30'], '30 without a unit is 30 seconds', '--older-than 30d'],
  [['--older-than', '5h'], 'must be at least 1d', '--older-than 30d'],
])('%j: the error says what the number means', async (flags, text, hint) => {
  const { code, err } = await runJobsctl(['prune', '--all', ...flags])
  expect(code).toBe(2)
  expect(err).toContain(text)
  expect(err).toContain(`hint: ${hint}`)
})

it.each([
  [['ls'], 'hint: jobsctl list'],
  [['lst'], 'did you mean list?'],
  [['help', 'prnue'], 'did you mean jobsctl help prune?'],
  [['stats', 'chatbooks'], 'Did you mean --domain <name>?'],
  [['mark', 'deploy', '4711'], 'mark takes one text: put it in quotes. See'],
  [['show', '1', '2'], 'show takes one <id>: run it once for each. See jobsctl show --help'],
  [['stats', '--api-key', 'abc'], 'Use --api-key-file'],
])('%j names the command or flag that is meant', async (argv, text) => {
  expect(await runJobsctl(argv)).toMatchObject({ code: 2, err: expect.stringContaining(text) })
})

it('jobsctl alone prints the help', async () => {
  expect(await runJobsctl([])).toMatchObject({ code: 0, err: '', out: expect.stringContaining('USAGE') })
})

it('doctor --curl is an error, since doctor sends several calls', async () => {
  const server = await fakeServer(() => ({ body: [] }))
  expect(await runAt(server, ['doctor', '--curl'])).toMatchObject({ code: 2, out: '' })
  expect(server.requests).toEqual([])
})

it('doctor --json reports a failed check as a JSON error on stderr', async () => {
  const { code, err } = await runJobsctl(['doctor', '--json'], { env: { JOBSCTL_URL: 'http://127.0.0.1:1' } })
  expect(code).toBe(4)
  expect(JSON.parse(err)).toMatchObject({ error: { code: 'unauthenticated', exit: 4 } })
})
