import { chmod, link, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newFolder } from '../../../support/database/database.ts'
import { type FakeServer, fakeServer, jobsAnswer } from '../../../support/fakes/fake-server.ts'
import { built } from '../../../support/programs/built.ts'
import { configHome, secretFile } from '../../../support/programs/config-home.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'
import { shell } from '../../../support/programs/shell.ts'
import { enter, startAtTerminal } from '../../../support/programs/terminal.ts'

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

describe('config', () => {
  it('path tells where the file lies: in XDG_CONFIG_HOME, else in the home', async () => {
    const [xdg, home] = await Promise.all([
      runJobsctl(['config', 'path'], { env: { XDG_CONFIG_HOME: '/a/b' } }),
      runJobsctl(['config', 'path'], { env: { XDG_CONFIG_HOME: undefined, HOME: '/c' } }),
    ])
    expect([xdg.out, home.out]).toEqual(['/a/b/jobsctl/config.json\n', '/c/.config/jobsctl/config.json\n'])
  })

  it.each([
    ['a blank HOME', { HOME: '', XDG_CONFIG_HOME: undefined }],
    ['a relative HOME', { HOME: '.', XDG_CONFIG_HOME: undefined }],
    ['a relative XDG_CONFIG_HOME', { XDG_CONFIG_HOME: '.' }],
  ])('%s is ignored: the file of the current folder would name programs to run', async (_what, home) => {
    const folder = await newFolder('current')
    const ran = join(folder, 'ran')
    const p = { url: 'http://127.0.0.1:1', api_key_command: ['touch', ran] }
    for (const place of ['jobsctl', '.config/jobsctl']) {
      await mkdir(join(folder, place), { recursive: true })
      await writeFile(join(folder, place, 'config.json'), JSON.stringify({ default: 'p', profiles: { p } }))
    }
    const line = `cd '${folder}' && '${process.execPath}' '${built.jobsctl}' stats --profile p`
    expect(await shell(line, { env: home })).toMatchObject({ code: 5, err: expect.stringContaining('no profile p') })
    await expect(stat(ran)).rejects.toThrow('ENOENT')
  })

  it.each([0o664, 0o646])('a file of mode %o names no program that would be run', async (mode) => {
    const server = await fakeServer(() => ({ body: [] }))
    const ran = join(await newFolder('ran'), 'ran')
    const p = { url: server.url, api_key_command: ['touch', ran] }
    const { env, path } = await configHome({ profiles: { p, q: { ...p, api_key_command: undefined } } })
    await chmod(path, mode)
    const [command, none] = await Promise.all(
      ['p', 'q'].map((name) => runJobsctl(['stats', '--profile', name], { env })),
    )
    expect(command).toEqual({
      code: 2,
      out: '',
      err: `error: profiles.p.api_key_command: others can write ${path}, so the command was not run\n  hint: chmod go-w ${path}\n`,
    })
    expect(none).toMatchObject({ code: 4, err: expect.stringContaining('there is no key for') })
    await expect(stat(ran)).rejects.toThrow('ENOENT')
  })

  it('a program that cannot be run is named, with the reason in plain words', async () => {
    const p = { url: 'http://127.0.0.1:1', api_key_command: ['/nowhere/pass'] }
    const { env } = await configHome({ profiles: { p } })
    expect(await runJobsctl(['stats', '--profile', 'p'], { env })).toEqual({
      code: 2,
      out: '',
      err: 'error: profiles.p.api_key_command: /nowhere/pass cannot be run: no such file or directory\n  hint: jobsctl help config\n',
    })
  })

  it.runIf(process.platform === 'linux').each(['/sys/nowhere', '/proc/nowhere'])(
    'a config that cannot be written in %s is reported in plain words',
    async (folder) => {
      const env = { XDG_CONFIG_HOME: folder }
      const { code, out, err } = await runJobsctl(['config', 'set', 'profiles.p.url', 'http://127.0.0.1:1'], { env })
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toMatch(
        /^error: cannot write .+\/nowhere\/jobsctl\/config\.json: [a-z ]+; nothing was written\n {2}hint: /,
      )
    },
  )

  it('set writes, get and list read it back, for people and for programs', async () => {
    const { env, path } = await configHome()
    const config = (...argv: string[]) => runJobsctl(['config', ...argv], { env })
    expect(await config('list')).toEqual({ code: 0, out: '', err: '' })

    for (const [key, value] of [
      ['profiles.prod.url', 'https://jobs.example.com'],
      ['profiles.prod.api_key_command', '["pass","jobs/prod"]'],
      ['profiles.prod.max', '50000'],
      ['profiles.prod.protected', 'true'],
      ['profiles.eu.west.url', 'https://eu.example.com'],
      ['default', 'prod'],
    ]) {
      expect(await config('set', key ?? '', value ?? '')).toMatchObject({ code: 0, out: `set ${key} in ${path}\n` })
    }

    const written = {
      default: 'prod',
      profiles: {
        prod: {
          url: 'https://jobs.example.com',
          api_key_command: ['pass', 'jobs/prod'],
          protected: true,
          max: 50_000,
        },
        'eu.west': { url: 'https://eu.example.com' },
      },
    }
    const stored: unknown = JSON.parse(await readFile(path, 'utf8'))
    expect(stored).toEqual(written)
    const [list, json, get, command, none] = await Promise.all([
      config('list'),
      config('list', '--json'),
      config('get', 'profiles.prod.url'),
      config('get', 'profiles.prod.api_key_command'),
      config('get', 'profiles.prod.api_key_file'),
    ])
    expect(list.out).toContain('profiles.prod.max\t50000\n')
    const listed: unknown = JSON.parse(json.out)
    expect(listed).toEqual(written)
    expect(get.out).toBe('https://jobs.example.com\n')
    expect(command.out).toBe('["pass","jobs/prod"]\n')
    expect(none).toMatchObject({ code: 5, out: '' })
  })

  it('set writes a new file for its owner alone, and moves it into place whole', async () => {
    const { env, path } = await configHome({ profiles: { a: { url: 'http://localhost:1' } } })
    const before = await readFile(path, 'utf8')
    const witness = `${path}.witness`
    await link(path, witness)
    expect(await modeOf(path)).not.toBe('600')

    const run = await runJobsctl(['config', 'set', 'profiles.a.url', 'http://localhost:2'], { env })

    expect(run.code).toBe(0)
    expect(await readFile(witness, 'utf8')).toBe(before)
    expect(await modeOf(path)).toBe('600')
    expect((await readdir(dirname(path))).sort()).toEqual(['config.json', 'config.json.witness'])
  })

  it('a source of the key takes the place of the other, which is reported', async () => {
    const { env, path } = await configHome({ profiles: { 'a.b': { url: 'http://localhost:1', api_key_file: '/k' } } })
    const set = (field: string, value: string, ...more: string[]) =>
      runJobsctl(['config', 'set', `profiles.a.b.${field}`, value, ...more], { env })
    expect(await set('api_key_command', '["pass","jobs"]')).toEqual({
      code: 0,
      out: `set profiles.a.b.api_key_command in ${path}, in place of profiles.a.b.api_key_file\n`,
      err: '',
    })
    const { out } = await set('token_file', '/t', '--json')
    const result: unknown = JSON.parse(out)
    expect(result).toMatchObject({ path, replaced: ['profiles.a.b.api_key_command'] })
    const stored: unknown = JSON.parse(await readFile(path, 'utf8'))
    expect(stored).toEqual({ profiles: { 'a.b': { url: 'http://localhost:1', token_file: '/t' } } })
  })

  it('set makes the folder for its owner alone', async () => {
    const { env, path } = await configHome()
    await runJobsctl(['config', 'set', 'profiles.a.url', 'http://localhost:1'], { env })
    expect([await modeOf(dirname(path)), await modeOf(path)]).toEqual(['700', '600'])
  })

  it.each([
    ['an unknown field', 'profiles.a.colour', 'red', 'colour'],
    ['an unknown setting', 'color', 'red', 'color'],
    ['a bound that is no number', 'profiles.a.max', 'many', 'max'],
    ['a bound below one', 'profiles.a.max', '0', 'max'],
    ['a bound with a fraction', 'profiles.a.max', '1.5', 'max'],
    ['a switch that is no switch', 'profiles.a.protected', '"yes"', 'protected'],
    ['a URL that is none', 'profiles.a.url', 'nowhere', 'url'],
    ['a command that is one string', 'profiles.a.api_key_command', '"pass jobs"', 'api_key_command'],
    ['an empty command', 'profiles.a.api_key_command', '[]', 'api_key_command'],
    ['a profile without a URL', 'profiles.b.max', '5', 'url'],
    ['a default that is no profile', 'default', 'nowhere', 'default'],
    ['a default that only objects have', 'default', 'toString', 'default'],
    ['a profile that only objects have', 'profiles.__proto__.url', 'http://localhost:1', '__proto__'],
  ])('set refuses %s, names it, and leaves the file as it was', async (_what, key, value, named) => {
    const { env, path } = await configHome({ profiles: { a: { url: 'http://localhost:1', api_key_file: '/k' } } })
    const before = await readFile(path, 'utf8')
    const run = await runJobsctl(['config', 'set', key, value], { env })

    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err).toMatch(/^error: /)
    expect(run.err).toContain(named)
    expect(await readFile(path, 'utf8')).toBe(before)
  })

  it.each([
    ['no JSON', '{', 'is not JSON'],
    ['an unknown key', { profile: {} }, 'profile: is not a known field'],
    [
      'an unknown field',
      { profiles: { a: { url: 'http://localhost:1', key: 'x' } } },
      'profiles.a.key: is not a known',
    ],
    ['a missing URL', { profiles: { a: {} } }, 'profiles.a.url'],
    ['a list', [], 'the file'],
  ])(
    'a file with %s fails every command that needs it, and is never a reason to guess',
    async (_what, text, sentence) => {
      const { env } = await configHome(text)
      const runs = await Promise.all([
        runJobsctl(['stats'], { env }),
        runJobsctl(['doctor'], { env }),
        runJobsctl(['config', 'list'], { env }),
      ])
      expect(runs.map(({ code }) => code)).toEqual([2, 2, 2])
      for (const { out, err } of runs) expect(out + err).toContain(sentence)
    },
  )

  it.each([[[]], [['lst']], [['get']], [['set', 'default']], [['set']]])('refuses config %j with 2', async (argv) => {
    const run = await runJobsctl(['config', ...argv])
    expect(run).toMatchObject({ code: 2, out: '' })
    expect(run.err).toMatch(/^error: /)
  })
})

describe('a protected profile', () => {
  /** A config with a protected default, and a server with two jobs to delete. */
  async function protectedProfile(more: object = { max: 10 }) {
    const server = await fakeServer(({ path }) => (path.includes('/stats') ? { body: [] } : jobsAnswer(2)))
    const api_key_file = await secretFile('key')
    const prod = { url: server.url, api_key_file, protected: true, ...more }
    const { env } = await configHome({ default: 'prod', profiles: { prod } })
    const run = (...argv: string[]) => runJobsctl(['prune', '--domain', 'a', ...argv], { env })
    return { server, env, run }
  }
  const confirmed = ({ requests }: FakeServer) => requests.filter(({ headers }) => headers['x-confirm'] !== undefined)

  it('must be spelled out for a change, and need not for a preview', async () => {
    const { server, env, run } = await protectedProfile()
    const [unnamed, variable, preview] = await Promise.all([
      run('--yes'),
      runJobsctl(['prune', '--all', '--yes'], { env: { ...env, JOBSCTL_PROFILE: 'prod' } }),
      run('--dry-run'),
    ])
    for (const { code, err } of [unnamed, variable]) {
      expect(code).toBe(2)
      expect(err).toBe(
        'error: the profile prod is protected: a change must spell it out; nothing was changed\n  hint: add --profile prod\n',
      )
    }
    expect(preview).toMatchObject({ code: 0, out: 'would delete 2 jobs in a\n' })
    expect(confirmed(server)).toEqual([])

    expect(await run('--yes', '--profile', 'prod')).toMatchObject({ code: 0, out: 'deleted 2 jobs in a\n' })
    expect(confirmed(server)).toHaveLength(1)
  })

  it.each([[['stop', '5']], [['keep', '5', '--until', '30d']]])('holds for operations %j, too', async (words) => {
    const { server, env } = await protectedProfile()
    expect(await runJobsctl(['operations', ...words], { env })).toMatchObject({
      code: 2,
      err: expect.stringContaining('a change must spell it out; nothing was changed\n  hint: add --profile prod\n'),
    })
    expect(server.requests).toEqual([])
  })

  it('needs a bound, from the profile or from --max', async () => {
    const { server, run } = await protectedProfile({})
    const [without, above] = await Promise.all([
      run('--yes', '--profile', 'prod'),
      run('--yes', '--profile', 'prod', '--max', '1'),
    ])
    expect(without).toMatchObject({ code: 2, err: expect.stringContaining('a change needs a limit') })
    expect(above).toMatchObject({ code: 8 })
    expect(confirmed(server)).toEqual([])
    expect(await run('--yes', '--profile', 'prod', '--max', '2')).toMatchObject({ code: 0 })
  })

  it('asks for its name, and takes the count for a no', async () => {
    const { server, env } = await protectedProfile()
    const answered = async (word: string) => {
      const person = await startAtTerminal(['prune', '--all', '--profile', 'prod'], { env })
      await person.sees('Type prod to go ahead:')
      person.types(`${word}${enter}`)
      return (await person.ended).code
    }
    expect(await Promise.all([answered('2'), answered('Prod')])).toEqual([3, 3])
    expect(confirmed(server)).toEqual([])
    expect(await answered('prod')).toBe(0)
    expect(confirmed(server)).toHaveLength(1)
  })

  it('protects its bound even where --url sends the change elsewhere', async () => {
    const { run } = await protectedProfile({ max: 1 })
    const elsewhere = await fakeServer(() => jobsAnswer(2))
    const key = await secretFile('other')
    const named = await run('--yes', '--profile', 'prod', '--url', elsewhere.url, '--api-key-file', key)
    expect(named).toMatchObject({ code: 8 })
    expect(confirmed(elsewhere)).toEqual([])
  })
})

describe('doctor', () => {
  const row = (check: string, result: string) => expect.objectContaining({ check, result })

  it('stops at the first thing that is wrong, says what to do, and exits as a command would', async () => {
    const gone = await fakeServer(() => 'reset')
    await gone.stop()
    const unready = await fakeServer(({ path }) => ({ status: path === '/readyz' ? 503 : 200, body: [] }))
    const wrongKey = await fakeServer(({ path }) => ({
      status: path.startsWith('/api') ? 401 : 200,
      body: { detail: 'no' },
    }))
    const key = { JOBSCTL_API_KEY: 'the-key' }
    const doctor = (env: Record<string, string>) => runJobsctl(['doctor', '--json', '--retries', '0'], { env })
    const [none, dead, database, access] = await Promise.all([
      doctor({ JOBSCTL_URL: gone.url }),
      doctor({ JOBSCTL_URL: gone.url, ...key }),
      doctor({ JOBSCTL_URL: unready.url, ...key }),
      doctor({ JOBSCTL_URL: wrongKey.url, ...key }),
    ])

    const expected = [
      [none, 4, 'key'],
      [dead, 7, 'server'],
      [database, 7, 'database'],
      [access, 4, 'access'],
    ] as const
    for (const [{ code, out, err }, exit, check] of expected) {
      const rows: unknown[] = JSON.parse(out)
      expect(code).toBe(exit)
      expect(rows.at(-1)).toEqual(row(check, 'failed'))
      expect(rows.slice(0, -1)).not.toContainEqual(expect.objectContaining({ result: 'failed' }))
      const { error }: { error: unknown } = JSON.parse(err)
      expect(error).toMatchObject({ exit, detail: Reflect.get(Object(rows.at(-1)), 'detail') })
      expect(err.endsWith('}\n')).toBe(true)
      expect(out + err).not.toContain('the-key')
    }
  })

  it('warns of a clock that goes wrong', async () => {
    const server = await fakeServer(() => ({ headers: { date: 'Thu, 01 Jan 2026 00:00:00 GMT' }, body: [] }))
    const { out } = await runJobsctl(['doctor'], { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } })
    expect(out).toMatch(/^clock\twarning\tthe clock of this machine is \d+ s from the clock of the server\t/m)
  })
})
