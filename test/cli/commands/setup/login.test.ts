import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newFolder } from '../../../support/database/database.ts'
import { type FakeRequest, fakeServer } from '../../../support/fakes/fake-server.ts'
import { built } from '../../../support/programs/built.ts'
import { configHome } from '../../../support/programs/config-home.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'
import { ctrlC, ctrlD, enter, startAtTerminal, startProgramAtTerminal } from '../../../support/programs/terminal.ts'

const secret = 'the-right-secret'
const bearer = 'Bearer realm="jobs"'
const apiKey = 'ApiKey realm="jobs", header="X-API-KEY"'

/** A server with a key or a token; without a challenge, as another server. */
const guarded = (kind: 'key' | 'token', challenge?: string) =>
  fakeServer(({ headers }: FakeRequest) => {
    const given = kind === 'key' ? headers['x-api-key'] : headers.authorization?.replace('Bearer ', '')
    if (given === secret) return { body: [] }
    return {
      status: 401,
      body: { detail: `no: ${given}` },
      headers: challenge ? { 'www-authenticate': challenge } : {},
    }
  })

const configOf = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'))
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

describe('login', () => {
  it.each([
    ['key', apiKey, 'api_key_file', 2],
    ['token', bearer, 'token_file', 2],
    ['key', undefined, 'api_key_file', 2],
    ['token', undefined, 'token_file', 3],
  ] as const)(
    'a %s goes by the challenge %s into a file for its owner, and a profile uses it',
    async (kind, challenge, field, requests) => {
      const server = await guarded(kind, challenge)
      const { env, path } = await configHome()
      const run = await runJobsctl(['login', `${server.url}/`, '--profile', 'prod'], { env, stdin: `${secret}\n` })
      const file = join(dirname(path), 'secrets', `prod.${kind}`)
      expect(run).toEqual({
        ...{ code: 0, err: '' },
        out: `The ${kind} of ${server.url} is in ${file}, and the default profile uses it.\n`,
      })
      expect(server.requests).toHaveLength(requests)
      expect(await configOf(path)).toEqual({ default: 'prod', profiles: { prod: { url: server.url, [field]: file } } })
      expect([await modeOf(path), await modeOf(file), await modeOf(dirname(file))]).toEqual(['600', '600', '700'])
      expect(await readFile(file, 'utf8')).toBe(`${secret}\n`)
      expect(await runJobsctl(['stats'], { env })).toMatchObject({ code: 0 })
    },
  )

  it('a wrong secret is not written, nor shown with --debug', async () => {
    const server = await guarded('key', apiKey)
    const { env, path } = await configHome()
    const run = await runJobsctl(['login', server.url, '--debug'], { env, stdin: 'a-wrong-secret' })
    expect(run).toMatchObject({
      code: 4,
      out: '',
      err: expect.stringContaining('rejected the key; nothing was written'),
    })
    expect(run.err).not.toContain('a-wrong-secret')
    await expect(readdir(dirname(path))).rejects.toThrow('ENOENT')
  })

  it.each([
    ['an empty stdin', '', 2, 'there is no key'],
    ['two lines', 'a\nb', 2, 'one line of printable ASCII'],
    ['no ASCII', 'schlüssel', 2, 'one line of printable ASCII'],
  ])('%s is no key', async (_what, stdin, code, said) => {
    const server = await guarded('key', apiKey)
    const { env } = await configHome()
    expect(await runJobsctl(['login', server.url], { env, stdin })).toMatchObject({
      code,
      err: expect.stringContaining(said),
    })
  })

  it('the profile is named by the host, keeps its limits, and that of another server is not replaced', async () => {
    const server = await guarded('key', apiKey)
    const old = { url: server.url, api_key_command: ['pass', 'x'], max: 5, protected: true }
    const { env, path } = await configHome({ profiles: { '127.0.0.1': old, other: { url: 'https://other' } } })
    const login = (...argv: string[]) => runJobsctl(['login', server.url, ...argv], { env, stdin: secret })
    expect(await login()).toMatchObject({ code: 0, out: expect.stringContaining('--profile 127.0.0.1 uses it') })
    const file = join(dirname(path), 'secrets', '127.0.0.1.key')
    const mine = { url: server.url, api_key_file: file, max: 5, protected: true }
    expect(await configOf(path)).toEqual({ profiles: { '127.0.0.1': mine, other: { url: 'https://other' } } })
    expect(await login('--profile', 'other')).toMatchObject({
      code: 3,
      err: expect.stringContaining('the profile other is for https://other; nothing was written'),
    })
    expect(await configOf(path)).toMatchObject({ profiles: { other: { url: 'https://other' } } })
    expect(await login('--profile', 'other', '--yes')).toMatchObject({ code: 0 })
    expect(await configOf(path)).toMatchObject({ profiles: { other: { url: server.url } } })
  })

  it.each([
    [['login', 'http://jobs.example.com'], '--allow-http'],
    [['login', 'nowhere'], 'must be a URL'],
    [['login', 'http://a:b@127.0.0.1:1'], 'without user'],
    [['login', 'http://127.0.0.1:1', '--url', 'http://127.0.0.1:1'], 'exclude each other'],
    [['login', 'http://127.0.0.1:1', '--curl'], '--curl'],
    [['login', 'http://127.0.0.1:1', '--api-key-file', 'x'], '--api-key-file'],
    [['login', 'http://127.0.0.1:1', '--profile', '__proto__'], '--profile'],
    [['login', 'http://127.0.0.1:1', '--profile', 'a\u001bb'], '--profile'],
  ])('%j is refused before a request', async (argv, said) => {
    expect(await runJobsctl(argv, { stdin: secret })).toMatchObject({ code: 2, err: expect.stringContaining(said) })
  })

  it('a name of a profile leads to no file outside of the folder', async () => {
    const server = await guarded('key', apiKey)
    const { env, path } = await configHome()
    await runJobsctl(['login', server.url, '--profile', '../../x'], { env, stdin: secret })
    expect(await readdir(join(dirname(path), 'secrets'))).toEqual(['..%2F..%2Fx.key'])
  })

  it('a folder that cannot be written fails with its reason, and the config stays', async () => {
    const server = await guarded('key', apiKey)
    const { env, path } = await configHome({ profiles: {} })
    await writeFile(join(dirname(path), 'secrets'), 'in the way')
    const run = await runJobsctl(['login', server.url], { env, stdin: secret })
    expect(run).toMatchObject({
      code: 2,
      err: expect.stringMatching(/cannot write .+\n {2}hint: make room, or set XDG_CONFIG_HOME/),
    })
    expect(await configOf(path)).toEqual({ profiles: {} })
  })
})

describe('login at a terminal', () => {
  it('does not show what is typed', async () => {
    const server = await guarded('token', bearer)
    const { env, path } = await configHome()
    const person = await startAtTerminal(['login', server.url], { env })
    await person.sees(`The token of ${server.url}`)
    person.types(`wrong\u0015x\u007f${secret}${enter}`)
    const { code, screen, raw } = await person.ended
    expect({ code, screen }).toMatchObject({ code: 0, screen: expect.stringContaining('the default profile uses it') })
    expect(raw).not.toContain(secret)
    expect(await readFile(join(dirname(path), 'secrets', '127.0.0.1.token'), 'utf8')).toBe(`${secret}\n`)
  })

  it.each([
    ['Ctrl-C', ctrlC, 130],
    ['Ctrl-D', ctrlD, 2],
  ])('after %s the terminal shows again what is typed', async (_name, key, code) => {
    const server = await guarded('key', apiKey)
    const folder = await newFolder('login')
    await mkdir(join(folder, 'config'))
    const line = `'${process.execPath}' '${built.jobsctl}' login ${server.url}; echo "exit $?"; stty -a`
    const person = await startProgramAtTerminal(['sh', '-c', line], { env: { XDG_CONFIG_HOME: folder }, folder })
    await person.sees('The key of')
    person.types(`half-a-secret${key}`)
    const { screen } = key === ctrlD ? await afterEnter(person) : await person.ended
    expect(screen).toContain(`exit ${code}`)
    expect(screen).toMatch(/[^-]icanon/)
    expect(screen).toMatch(/[^-]echo /)
    expect(screen).not.toContain('half-a-secret')
  })

  it('asks before it replaces the profile of another server', async () => {
    const server = await guarded('key', apiKey)
    const { env, path } = await configHome({ profiles: { prod: { url: 'https://other' } } })
    const person = await startAtTerminal(['login', server.url, '--profile', 'prod'], { env })
    await person.sees('Type prod to replace it')
    person.types(`no${enter}`)
    expect((await person.ended).code).toBe(3)
    expect(await configOf(path)).toEqual({ profiles: { prod: { url: 'https://other' } } })
  })
})

/** Ctrl-D ends an empty line alone, so the line is emptied first. */
async function afterEnter(person: Awaited<ReturnType<typeof startProgramAtTerminal>>) {
  person.types(`\u0015${ctrlD}`)
  return person.ended
}
