import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import { emptyDatabase, kinds, newDatabase, newFolder } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { built } from '../../support/programs/built.ts'
import { startChild } from '../../support/programs/child.ts'
import { readyServers } from '../../support/programs/ready-servers.ts'
import { shell } from '../../support/programs/shell.ts'
import { longShutdown, runServer, type ServerProcess, spawnServer } from '../../support/programs/spawn-server.ts'
import { startAtTerminal } from '../../support/programs/terminal.ts'
import { paths } from '../../support/world.ts'

describe('the server process', () => {
  const { running, spawnReady } = readyServers()
  const get = ({ url }: ServerProcess, path: string, headers: Record<string, string> = {}) =>
    call({ url, method: 'GET', path, headers })
  const stats = async (server: ServerProcess, headers: Record<string, string>) =>
    (await get(server, paths.stats, headers)).status
  const linesOf = (server: ServerProcess) =>
    server.output.out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))

  it('is what jobsctl server becomes: it serves, and SIGTERM ends it with 0', async () => {
    const env = { PORT: '0', JOBS_DATA_DIR: await newFolder('data'), SINGLE_USER_API_KEY: 'key' }
    const { process: child, output, ended } = startChild([built.jobsctl, 'server'], { env })
    const [, url = ''] = await until('the server listens', () => /"listening on ([^"]+)"/.exec(output.out) ?? undefined)
    await until('the server is ready', async () => {
      const { status } = await call({ url, method: 'GET', path: paths.stats, headers: { 'x-api-key': 'key' } })
      return status === 200
    })
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0, err: '' })
  })

  describe('its environment', () => {
    it('has all its faults reported at once, with exit code 2 and no secret', async () => {
      const { code, out, err } = await runServer([], {
        PORT: '70000',
        AUTH_MODE: 'none',
        JOBS_DB_POOL: 'many',
        JOBS_DB_URL: 'mysql://root:sesame@db/jobs',
        JOBS_EMBEDDED_FSYNC: 'perhaps',
        SINGLE_USER_API_KEY: 'open sesame',
      })

      expect(code).toBe(2)
      expect(out).toBe('')
      for (const name of [
        'PORT',
        'AUTH_MODE',
        'JOBS_DB_POOL',
        'JOBS_DB_URL',
        'JOBS_EMBEDDED_FSYNC',
        'SINGLE_USER_API_KEY',
      ]) {
        expect(err).toContain(`\n  ${name}: must `)
      }
      expect(err).toContain('hint: jobs-server --help')
      expect(err).not.toContain('sesame')
    })

    it.each([
      [['--prot'], 'jobs-server --help'],
      [['token', 'revoke'], 'jobs-server token revoke --help'],
      [['token', 'create', 'ci', '--expires', '5'], 'jobs-server token create --help'],
    ])('%j leads to the help on the command', async (argv, help) => {
      const { code, err } = await runServer(argv, { JOBS_DATA_DIR: await newFolder('data') })
      expect(code).toBe(2)
      expect(err).toContain(`\n  hint: ${help}\n`)
    })

    it.runIf(process.platform === 'linux')(
      'a command whose output finds no room says so, and what stands',
      async () => {
        const { env } = await emptyDatabase()
        expect(await shell(`node '${built.server}' token create ci --role viewer >/dev/full`, { env })).toEqual({
          code: 1,
          out: '',
          err: 'error: cannot write to stdout: no space left on device (ENOSPC); what the command changed stands\n',
        })
        const { out } = await runServer(['token', 'list'], env)
        expect(out).toContain('ci')
      },
    )

    it('has an unreadable database URL reported without its password', async () => {
      const { code, out, err } = await runServer([], {
        PORT: '0',
        JOBS_DATA_DIR: await newFolder('data'),
        SINGLE_USER_API_KEY: 'k',
        JOBS_DB_URL: 'postgres://user:pass%zzword@host:port/db',
      })
      expect(code).toBe(2)
      expect(err).toContain('JOBS_DB_URL')
      expect(out + err).not.toContain('zzword')
    })

    it('may have variables that mean nothing: it says so, and what may have been meant', async () => {
      const { env } = await newDatabase('postgres')
      const server = await spawnReady({
        ...env,
        SINGLE_USER_API_KEY: 'key-of-the-tests',
        JOBS_DB_POOLS: '3',
        JOBS_QQQQ: 'x',
      })
      const warnings = linesOf(server).filter(({ level }) => level === 'warn')
      expect(warnings.map(({ message }) => message)).toEqual([
        expect.stringMatching(/^JOBS_DB_POOLS .* did you mean JOBS_DB_POOL\?$/),
        expect.stringMatching(/^JOBS_QQQQ [^?]*$/),
      ])
    })

    it.each([
      ['--help', 'JOBS_DB_URL'],
      ['--version', '0.3.0'],
    ])('is explained by %s', async (flag, text) => {
      const { code, out, err } = await runServer([flag])
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toContain(text)
    })

    it('has an unknown argument refused with exit code 2', async () => {
      for (const argv of [['--prot', '80'], ['tokens'], ['token', 'make']]) {
        expect(await runServer(argv), argv.join(' ')).toMatchObject({ code: 2, out: '' })
      }
    })

    it('has a port that is taken reported in a sentence', async () => {
      const { env } = await newDatabase('postgres')
      const first = await spawnReady({ ...env, SINGLE_USER_API_KEY: 'k' })
      const { port } = new URL(first.url)
      const { code, err } = await runServer([], { ...env, SINGLE_USER_API_KEY: 'k', PORT: port })
      expect(code).toBe(2)
      expect(err).toBe(
        `error: cannot listen on 127.0.0.1:${port}: address already in use (EADDRINUSE)\n  hint: another program listens on the port: set PORT to another one\n`,
      )
    })
  })

  describe('its key', () => {
    it.each(kinds)(
      'is made at the first start, for its owner alone, and is the same at the second: %s',
      async (kind) => {
        const { env } = await newDatabase(kind)
        const file = join(env.JOBS_DATA_DIR ?? '', 'api-key')
        const first = await spawnReady(env)
        const key = (await readFile(file, 'utf8')).trim()

        expect((await stat(file)).mode & 0o777).toBe(0o600)
        expect(key.length).toBeGreaterThanOrEqual(32)
        expect(first.output.out).toContain(file)
        expect(first.output.out + first.output.err).not.toContain(key)
        expect(await stats(first, { 'x-api-key': key })).toBe(200)
        expect(await stats(first, {})).toBe(401)
        expect((await first.stop()).code).toBe(0)

        const second = await spawnReady(env)
        expect((await readFile(file, 'utf8')).trim()).toBe(key)
        expect(await stats(second, { 'x-api-key': key })).toBe(200)
      },
    )

    it('is not open when its file is empty', async () => {
      const { env } = await newDatabase('postgres')
      await writeFile(join(env.JOBS_DATA_DIR ?? '', 'api-key'), '\n')
      expect(await runServer([], { PORT: '0', ...env })).toMatchObject({
        code: 2,
        err: expect.stringContaining('is empty'),
      })
    })

    it('is not written anywhere when it is configured', async () => {
      const { env } = await newDatabase('postgres')
      await spawnReady({ ...env, SINGLE_USER_API_KEY: 'configured' })
      expect(await readdir(env.JOBS_DATA_DIR ?? '')).toEqual([])
    })
  })

  describe('its end', () => {
    it('waits for a request that runs, refuses new ones, and has exit code 0', async () => {
      const { env } = await newDatabase('postgres')
      const limits = {
        JOBS_LOCK_TIMEOUT_SECONDS: '600',
        JOBS_STATEMENT_TIMEOUT_SECONDS: '600',
        JOBS_SHUTDOWN_SECONDS: '600',
      }
      const server = await spawnReady({ ...env, ...limits, SINGLE_USER_API_KEY: 'k' })
      const sql = postgres(env.JOBS_DB_URL ?? '', { max: 2 })
      try {
        // Whoever builds an index waits for all transactions that are open.
        await until('the indexes are built', async () => {
          const kept = await sql`select from jobsctl_counting where triggers is not null`
          return kept.length > 0
        })
        const enqueueing = await sql.begin(async (tx) => {
          await tx`lock table jobs in access exclusive mode`
          const headers = { 'x-api-key': 'k' }
          const body = { domain: 'd', queue: 'q', job_type: 't', payload: {} }
          const answer = call({ url: server.url, method: 'POST', path: '/api/v1/jobs', body, headers })
          await until('the request waits for the lock', async () => {
            const waiting = await sql`
              select pid from pg_stat_activity
              where datname = current_database() and application_name = 'jobs-server' and wait_event_type = 'Lock'
                and query like '%jsonb_to_recordset%'`
            return waiting.length > 0
          })
          void server.stop()
          await until('the server stops', () => server.output.out.includes('SIGTERM'))
          // The log says so a moment before the port is closed.
          const isRefused = () =>
            get(server, '/healthz').then(
              () => false,
              () => true,
            )
          await until('the server refuses new requests', isRefused)
          return { answer }
        })
        expect(await enqueueing.answer).toMatchObject({ status: 201, body: { domain: 'd' } })
        expect((await server.ended).code).toBe(0)
        expect(await sql`select domain from jobs`).toMatchObject([{ domain: 'd' }])
        expect(linesOf(server).at(-1)).toMatchObject({ message: 'stopped' })
      } finally {
        await sql.end()
      }
    })

    it('comes after JOBS_DRAIN_SECONDS in which calls are served and /readyz is 503', async () => {
      const { env } = await newDatabase('postgres')
      const server = await spawnReady({ ...env, JOBS_DRAIN_SECONDS: '3600', SINGLE_USER_API_KEY: 'k' })
      const ended = server.stop()
      await until('the balancer is told', async () => (await get(server, '/readyz')).status === 503)
      expect((await get(server, '/readyz')).body).toMatchObject({ code: 'shutting_down' })
      expect(await stats(server, { 'x-api-key': 'k' })).toBe(200)
      expect((await get(server, '/healthz')).status).toBe(200)
      expect(server.output.out).toContain('calls are served for 3600 s more')
      // A second signal waits for nothing.
      void server.stop()
      expect((await ended).code).toBe(1)
      await expect(get(server, '/healthz')).rejects.toThrow()
    })

    it('comes by itself when JOBS_DRAIN_SECONDS are over', async () => {
      const { env } = await newDatabase('postgres')
      const server = await spawnReady({ ...env, JOBS_DRAIN_SECONDS: '1', SINGLE_USER_API_KEY: 'k' })
      expect(await server.stop()).toMatchObject({ code: 0, err: '' })
    })

    it('comes at SIGTERM without delay, also from a kept-alive connection', async () => {
      const { env } = await newDatabase('postgres')
      const server = await spawnReady({ ...env, ...longShutdown, SINGLE_USER_API_KEY: 'k' })
      expect(await stats(server, { 'x-api-key': 'k' })).toBe(200)
      expect(await server.stop()).toMatchObject({ code: 0, err: '' })
    })

    it('comes at SIGTERM while the tables are still being made, and the next start goes on', async () => {
      const { env } = await emptyDatabase()
      const server = await spawnServer({ ...env, SINGLE_USER_API_KEY: 'k' })
      running.push(server)
      expect(await server.stop()).toMatchObject({ code: 0, err: '' })
      expect(await stats(await spawnReady({ ...env, SINGLE_USER_API_KEY: 'k' }), { 'x-api-key': 'k' })).toBe(200)
    })
  })

  describe.each(kinds)('tokens on %s', (kind) => {
    const token = (env: Record<string, string>, ...argv: string[]) => runServer(['token', ...argv], env)

    it('are made, listed and revoked while a server runs, take effect at once, and are shown once', async () => {
      const { env: database } = await newDatabase(kind)
      const env = { ...database, AUTH_MODE: 'multi_user' }
      const server = await spawnReady(env)
      const bearer = (made: string) => ({ authorization: `Bearer ${made}` })

      const made = await token(env, 'create', 'ci\u202egpj', '--role', 'operator', '--expires', '30d')
      expect(made).toMatchObject({ code: 0, err: '' })
      const secret = made.out.trim()
      expect(await stats(server, bearer(secret))).toBe(200)

      const [id, name, created, used, expires, revoked] = (await token(env, 'list')).out.trim().split('\t')
      expect({ id, name, revoked }).toEqual({ id: secret.split('_')[1], name: 'ci\\u202egpj', revoked: '' })
      expect(Date.parse(expires ?? '') - Date.parse(created ?? '')).toBe(30 * 86_400_000)
      expect(Math.abs(Date.now() - Date.parse(used ?? ''))).toBeLessThan(600_000)

      expect(await token(env, 'revoke', id ?? '')).toEqual({ code: 0, out: `revoked ${id}\n`, err: '' })
      expect(await stats(server, bearer(secret))).toBe(401)
      expect((await token(env, 'list')).out.trim().split('\t')[5]).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+Z$/)
      expect(await token(env, 'revoke', id ?? '')).toMatchObject({ code: 0 })
      expect(await token(env, 'revoke', 'nobody')).toMatchObject({ code: 5, err: expect.stringContaining('no token') })
      expect(server.output.out).not.toContain(secret.split('_').slice(2).join('_'))
    })

    it('may be made before the first start of a server', async () => {
      const { env: database } = await newDatabase(kind)
      const env = { ...database, AUTH_MODE: 'multi_user' }
      const made = await token(env, 'create', 'first')
      expect(made).toMatchObject({ code: 0, err: expect.stringMatching(/^warning: first may do everything .+\n$/) })
      expect(await stats(await spawnReady(env), { authorization: `Bearer ${made.out.trim()}` })).toBe(200)
    })
  })

  it('makes a token as soon as it has made the embedded database, which takes longer than to listen', async () => {
    const env = { JOBS_DATA_DIR: await newFolder('data'), AUTH_MODE: 'multi_user' }
    const server = await spawnServer(env)
    running.push(server)
    const made = await runServer(['token', 'create', 'first', '--role', 'viewer'], env)
    expect(made).toMatchObject({ code: 0, err: '' })
    expect(await stats(server, { authorization: `Bearer ${made.out.trim()}` })).toBe(200)
  })

  it('has an expiry or a name of a token refused that makes no sense, and a token that does not exist', async () => {
    const { env } = await newDatabase('postgres')
    const token = (...argv: string[]) => runServer(['token', ...argv], env)
    const days = ['30', '0d', '-1d', '1h', 'd', '1.5d', '']
    const refused = await Promise.all(days.map((each) => token('create', 'x', '--expires', each)))
    expect(refused.map(({ code, out }) => ({ code, out }))).toEqual(days.map(() => ({ code: 2, out: '' })))
    expect(await token('create', 'a\tb')).toMatchObject({ code: 2, out: '' })
    expect((await token('list')).out).toBe('')
    expect(await token('revoke', 'nobody')).toEqual({
      code: 5,
      out: '',
      err: 'error: there is no token nobody\n  hint: jobs-server token list shows them, and so does jobsctl token list\n',
    })
  })

  it('lists its tokens as a table at a terminal', async () => {
    const { env: database } = await newDatabase('postgres')
    const env = { ...database, AUTH_MODE: 'multi_user' }
    const list = async () =>
      (await startAtTerminal(['token', 'list'], { env, program: built.server, columns: 200 })).ended
    expect(await list()).toMatchObject({ code: 0, screen: expect.stringContaining('jobs-server token create <name>') })
    const made = await runServer(['token', 'create', 'nightly prune'], env)
    const { code, screen } = await list()
    expect(code).toBe(0)
    const [head, row] = screen.trim().split(/\r?\n/)
    expect(head?.split(/ {2,}/)).toEqual(
      'ID NAME ROLE FOR CREATED EXPIRES REVOKED SUSPENDED'.split(' ').toSpliced(5, 0, 'LAST USED'),
    )
    const id = made.out.split('_')[1]
    expect(row?.split(/ {2,}/)).toEqual([
      ...[id, 'nightly prune', 'legacy-admin', 'nightly prune'],
      ...[expect.stringMatching(/^\d{4}-.*Z$/), '-', '-', '-', '-'],
    ])
  })

  it('logs a line of JSON for each request, with who, what and how many rows, and no secret', async () => {
    const { env } = await newDatabase('postgres')
    const server = await spawnReady({ ...env, SINGLE_USER_API_KEY: 'very-secret' })
    const headers = { 'x-api-key': 'very-secret', 'x-confirm': 'true', 'x-request-id': 'r-1' }
    await call({ url: server.url, method: 'POST', path: paths.prune, body: {}, headers })
    await call({
      url: server.url,
      method: 'GET',
      path: '/nowhere/secret-path?token=in-the-url',
      headers: { ...headers, 'x-request-id': 'r-2' },
    })
    await call({ url: server.url, method: 'GET', path: paths.stats, headers: { 'x-api-key': 'wrong-key' } })
    await until('three requests are logged', () => server.output.out.includes('"status":401'))

    const requests = linesOf(server).filter(({ message }) => message === 'request')
    expect(requests.find(({ request_id }) => request_id === 'r-1')).toMatchObject({
      ...{ level: 'info', method: 'POST', route: paths.prune, status: 200, caller: 'single-user', rows: 0 },
      ms: expect.any(Number),
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
    expect(requests.find(({ request_id }) => request_id === 'r-2')).toMatchObject({ status: 404 })
    for (const secret of ['very-secret', 'wrong-key', 'in-the-url', 'secret-path']) {
      expect(server.output.out).not.toContain(secret)
    }
  })
})
