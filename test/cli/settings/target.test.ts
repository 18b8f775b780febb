import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newFolder } from '../../support/database/database.ts'
import { type FakeServer, fakeServer, jobsAnswer } from '../../support/fakes/fake-server.ts'
import { configHome, secretFile } from '../../support/programs/config-home.ts'
import { type JobsctlOptions, runJobsctl } from '../../support/programs/jobsctl.ts'

const listening = () => fakeServer(() => ({ body: [] }))
const stats = (argv: string[], env: NonNullable<JobsctlOptions['env']>) => runJobsctl(['stats', ...argv], { env })

/** The credentials of the requests to a server: each once. */
const credentials = ({ requests }: FakeServer) =>
  requests.map(({ headers }) => headers['x-api-key'] ?? headers.authorization ?? 'none')

it('the URL: flag, then JOBSCTL_URL, then the profile, then BASE; a --profile counts as a flag; two variables at once are refused', async () => {
  const [flag, variable, named, other, usual, base] = await Promise.all(Array.from({ length: 6 }, listening))
  if (!flag || !variable || !named || !other || !usual || !base) throw new Error('six servers were started')
  const key = await secretFile('profile-key')
  const profiles = {
    named: { url: named.url, api_key_file: key },
    other: { url: other.url, api_key_file: key },
    usual: { url: usual.url, api_key_file: key },
  }
  const [withDefault, without] = await Promise.all([
    configHome({ default: 'usual', profiles }),
    configHome({ profiles }),
  ])
  const everything = {
    ...withDefault.env,
    ...{ JOBSCTL_URL: variable.url, JOBSCTL_API_KEY: 'variable-key', JOBSCTL_PROFILE: 'other' },
    ...{ BASE: base.url, API_KEY: 'base-key' },
  }
  const given = await secretFile('flag-key')

  const runs = await Promise.all([
    stats(['--url', flag.url, '--profile', 'named', '--api-key-file', given], everything),
    stats(['--profile', 'named'], everything),
    stats([], { ...everything, JOBSCTL_PROFILE: undefined }),
    stats([], { ...everything, JOBSCTL_URL: undefined }),
    stats([], { ...everything, JOBSCTL_URL: '', JOBSCTL_PROFILE: undefined }),
    stats([], {
      ...everything,
      ...without.env,
      JOBSCTL_URL: undefined,
      JOBSCTL_PROFILE: undefined,
      JOBSCTL_API_KEY: undefined,
    }),
  ])

  const both = await stats([], everything)
  expect(both).toMatchObject({ code: 2, out: '' })
  expect(both.err).toMatch(/^error: JOBSCTL_PROFILE and JOBSCTL_URL exclude each other; nothing was sent\n {2}hint: /)
  expect(runs.map(({ code, err }) => `${code}${err}`)).toEqual(Array(6).fill('0'))
  expect([flag, named, variable, other, usual, base].map(credentials)).toEqual([
    ['flag-key'],
    ['profile-key'],
    ['variable-key'],
    ['profile-key'],
    ['profile-key'],
    ['base-key'],
  ])
})

it('settings: flag before JOBSCTL_* before profile', async () => {
  const server = await fakeServer(() => jobsAnswer(5))
  const profiles = { p: { url: server.url, api_key_file: await secretFile('key'), max: 4 } }
  const { env } = await configHome({ default: 'p', profiles })
  const prune = (argv: string[], more = {}) =>
    runJobsctl(['prune', '--all', '--yes', ...argv], { env: { ...env, ...more } })
  const [profile, variable, flag] = await Promise.all([
    prune([]),
    prune([], { JOBSCTL_MAX: '3' }),
    prune(['--max', '2'], { JOBSCTL_MAX: '3' }),
  ])
  const limits = [profile, variable, flag].map(({ err }) => /above the limit of (\d)/.exec(err)?.[1])
  expect(limits).toEqual(['4', '3', '2'])
})

it('a key goes to the URL it belongs to, and to no other', async () => {
  const [stranger, own, based] = await Promise.all([listening(), listening(), listening()])
  const profiles = { p: { url: own.url, api_key_file: await secretFile('profile-key') } }
  const { env } = await configHome({ default: 'p', profiles })
  const base = { BASE: based.url, API_KEY: 'base-key' }
  const variables = { JOBSCTL_URL: own.url, JOBSCTL_API_KEY: 'variable-key' }

  const refused = await Promise.all([
    stats(['--url', stranger.url], env),
    stats(['--url', stranger.url, '--profile', 'p'], env),
    stats(['--url', stranger.url], { ...env, ...base }),
    stats(['--url', stranger.url], { ...env, ...base, ...variables }),
    stats(['--url', stranger.url], { JOBSCTL_URL: own.url, JOBSCTL_TOKEN: 'token' }),
    stats([], { JOBSCTL_URL: stranger.url, ...base }),
    stats([], { API_KEY: 'base-key', JOBSCTL_URL: stranger.url }),
  ])
  for (const run of refused) {
    expect(run).toMatchObject({ code: 4, out: '' })
    expect(run.err).toContain(`there is no key for ${stranger.url}`)
  }
  expect(stranger.requests).toEqual([])

  await Promise.all([
    stats(['--url', own.url], variables),
    stats(['--url', `${own.url.replace('http', 'HTTP')}/`], variables),
    stats(['--profile', 'p'], { ...env, JOBSCTL_API_KEY: 'variable-key' }),
    stats([], { ...base, JOBSCTL_API_KEY: undefined }),
  ])
  expect(credentials(own).sort()).toEqual(['profile-key', 'variable-key', 'variable-key'])
  expect(credentials(based)).toEqual(['base-key'])
})

it.each([301, 302, 303, 307, 308])('never follows a redirect: HTTP %i', async (status) => {
  const elsewhere = await listening()
  const server = await fakeServer(({ path, headers }) =>
    headers['x-confirm'] !== undefined || path.includes('stats')
      ? { status, headers: { location: `${elsewhere.url}${path}` }, body: '' }
      : jobsAnswer(2),
  )
  const env = { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' }
  const [read, change] = await Promise.all([
    runJobsctl(['stats'], { env }),
    runJobsctl(['prune', '--all', '--yes'], { env }),
  ])

  for (const run of [read, change]) {
    expect(run).toMatchObject({ code: 1, out: '' })
    expect(run.err).toContain(`error: ${server.url} redirects to ${elsewhere.url}/api/`)
    const unsure = run === change && status === 303
    expect(run.err).toContain(unsure ? 'the change may have been made' : '--url')
  }
  expect(elsewhere.requests).toEqual([])
})

it('plain http to another machine is refused without --allow-http, before anything is sent', async () => {
  const refused = await Promise.all(
    [
      ['--url', 'http://example.com'],
      ['--url', 'http://127.0.0.1.example.com:80'],
    ].map((argv) => stats(argv, { JOBSCTL_API_KEY: 'key' })),
  )
  for (const { code, err } of refused) {
    expect(code).toBe(2)
    expect(err).toMatch(/^error: --url: plain http would show the key to the network .+\n {2}hint: .*--allow-http/)
  }
  const [allowed, secure] = await Promise.all([
    stats(['--url', 'http://example.com', '--allow-http'], {}),
    stats(['--url', 'https://example.com'], {}),
  ])
  expect(allowed).toMatchObject({ code: 4, err: expect.stringContaining('no key for http://example.com') })
  expect(secure).toMatchObject({ code: 4, err: expect.stringContaining('no key for https://example.com') })
})

it.each([
  'nonsense',
  'ftp://example.com',
  '127.0.0.1:8787',
  'https://user:pass@example.com',
  'http://localhost/?a=1',
  ' ',
])('refuses %j as a URL, and does not repeat what it holds', async (url) => {
  const [flag, variable] = await Promise.all([stats(['--url', url], {}), stats([], { JOBSCTL_URL: url })])
  expect(flag).toMatchObject({ code: 2, err: expect.stringMatching(/^error: --url: must /) })
  expect(variable).toMatchObject({ code: 2, err: expect.stringMatching(/^error: JOBSCTL_URL: must be/) })
  expect(flag.err).not.toContain('pass@')
})

it('a server may lie below a path, and the URL may end in slashes', async () => {
  const server = await listening()
  await Promise.all(
    ['/jobs', '/jobs//', '//jobs', '', '//'].map((path) =>
      stats([], { JOBSCTL_URL: `${server.url}${path}`, JOBSCTL_API_KEY: 'key' }),
    ),
  )
  expect(server.requests.map(({ path }) => path).sort()).toEqual([
    '//jobs/api/v1/jobs/stats',
    '/api/v1/jobs/stats',
    '/api/v1/jobs/stats',
    '/jobs/api/v1/jobs/stats',
    '/jobs/api/v1/jobs/stats',
  ])
})

const hintOf = ({ err }: { err: string }) => /\n {2}hint: (.+)\n/.exec(err)?.[1]

it('without a key: the hint leads to a setting that is read for this target', async () => {
  const { url } = await listening()
  const { env } = await configHome({ default: 'usual', profiles: { usual: { url }, 'a b': { url: `${url}/base` } } })
  const none = { ...env, XDG_CONFIG_HOME: '/nowhere' }
  const all = 'jobsctl help config lists all ways'
  const hint = async (argv: string[], env: NonNullable<JobsctlOptions['env']>) => hintOf(await stats(argv, env))
  expect(await hint([], env)).toBe(`jobsctl login --profile usual asks for it; ${all}`)
  expect(await hint(['--profile', 'a b'], env)).toBe(`jobsctl login --profile 'a b' asks for it; ${all}`)
  expect(await hint(['--url', `${url}/base`], env)).toBe(
    `add --api-key-file, or jobsctl login ${url}/base makes a profile to name in place of --url; ${all}`,
  )
  expect(await hint([], { ...env, JOBSCTL_URL: url })).toBe(
    `set JOBSCTL_API_KEY, or JOBSCTL_API_KEY_FILE to a file with the key; ${all}`,
  )
  expect(await hint([], { ...none, BASE: url })).toBe(`set API_KEY; ${all}`)
  expect(await hint([], none)).toBe(`jobsctl login http://127.0.0.1:8787 asks for it, or set JOBSCTL_API_KEY; ${all}`)
  expect(await hint(['--allow-http', '--url', 'http://jobs.example'], none)).toContain(
    'jobsctl login http://jobs.example --allow-http',
  )
})

it('the commands in a hint go to the target of the command line, also those in a hint of the server', async () => {
  const server = await fakeServer(() => ({
    status: 404,
    body: { detail: 'there is no operation 7', code: 'not_found', hint: 'jobsctl operations lists them' },
  }))
  const key = await secretFile('profile-key')
  const { env } = await configHome({ profiles: { 'it$& s': { url: server.url, api_key_file: key } } })
  const run = (...argv: string[]) => runJobsctl(argv, { env: { ...env, JOBSCTL_RETRIES: '0' } })
  const named = ['--profile', 'it$& s']
  expect(hintOf(await run('operations', '7', ...named))).toBe("jobsctl --profile 'it$& s' operations lists them")
  expect(hintOf(await run('operations', '7', '--url', server.url, '--api-key-file', key))).toBe(
    `jobsctl --url ${server.url} --api-key-file ${key} operations lists them`,
  )
  await server.stop()
  expect(hintOf(await run('stats', ...named))).toContain("run jobsctl --profile 'it$& s' doctor to find the cause")
  expect(hintOf(await run('stats', '--watch', ...named))).toBe('jobsctl stats --help')
})

it('every command in a hint of the server goes to the target, except those of the second person of a plan', async () => {
  const { commands } = await import('../../../cli/commands/all.ts')
  const ofOthers = ['approve', 'reject', 'apply', 'login', 'config', 'completion', 'man', 'help', 'server']
  const names = commands.map(({ name }) => name).filter((name) => !ofOthers.includes(name))
  const hints = [...names, ...ofOthers].map((name) => `jobsctl ${name}`)
  const hint = [...hints, 'jobsctl stats --help', 'jobsctl list --profile production'].join(', ')
  const server = await fakeServer(() => ({ status: 404, body: { detail: 'no', code: 'not_found', hint } }))
  const profiles = { prod: { url: server.url, api_key_file: await secretFile('key') } }
  const { env } = await configHome({ profiles })
  expect(hintOf(await runJobsctl(['operations', '7', '--profile', 'prod'], { env }))).toBe(
    [
      ...names.map((name) => `jobsctl --profile prod ${name}`),
      ...ofOthers.map((name) => `jobsctl ${name}`),
      ...['jobsctl stats --help', 'jobsctl --profile prod list --profile production'],
    ].join(', '),
  )
  expect(hintOf(await runJobsctl(['enqueue', '--profile', 'prod'], { env }))).toBe(
    'jobsctl --profile prod enqueue chatbooks/default --job-type export',
  )
  const policy = join(await newFolder('policy'), 'policy.yaml')
  await writeFile(policy, 'rules: {}\n')
  const { err } = await runJobsctl(['policy', 'apply', policy, '--curl', '--profile', 'prod'], { env })
  expect(err).toContain('which it replaces: jobsctl policy show --json --profile prod\n')
})

it('a usage error without a hint of its own leads to help that there is', async () => {
  const none = { XDG_CONFIG_HOME: '/nowhere' }
  expect(hintOf(await runJobsctl(['statz', '--url', 'a', '--url', 'b'], {}))).toBe('jobsctl --help')
  expect(hintOf(await stats(['--url', 'a', '--url', 'b'], {}))).toBe('jobsctl stats --help')
  expect(hintOf(await stats([], { ...none, BASE: 'nonsense' }))).toBe('jobsctl help environment')
  expect(hintOf(await stats([], { ...none, BASE: 'http://127.0.0.1:1', API_KEY: 'a b' }))).toBe(
    'jobsctl help environment',
  )
  const { env, path } = await configHome({ default: 'prod', profiles: { prod: { url: 'http://127.0.0.1:1/?a=1' } } })
  expect(hintOf(await stats([], env))).toBe('jobsctl help config')
  await rm(path)
  await mkdir(path)
  expect(await stats([], env)).toMatchObject({
    code: 2,
    err: `error: cannot read ${path}: illegal operation on a directory\n  hint: make the file readable, or set XDG_CONFIG_HOME to another folder\n`,
  })
})
