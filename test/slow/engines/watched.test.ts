import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillPgBoss, makePgBoss, oddQueues } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const role = 'watched_reader'

describe('tables of pg-boss that change while a server runs', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  beforeEach(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makePgBoss({ sql, version: 37 })
    await fillPgBoss({ sql, version: 37 })
  })
  afterEach(async () => {
    await server.stop()
    await sql.unsafe(
      `do $$ begin if to_regrole('${role}') is not null then drop owned by ${role}; drop role ${role}; end if; end $$`,
    )
    await sql.end()
    await database.drop()
  })

  const serve = async (env: Record<string, string> = {}) => {
    server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key', JOBS_METRICS: 'on', ...env })
    await server.prepared
  }
  const ask = (method: 'GET' | 'POST', path: string, body?: object) =>
    call({ url: server.url, method, path, headers: { 'x-api-key': 'key', 'x-confirm': 'true' }, body })
  const metrics = async () => String((await ask('GET', '/metrics/jobs')).body)
  const jobsctl = (...argv: string[]) => runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } })
  const doctor = async () => (await jobsctl('doctor', '--tsv')).out

  it.each([
    [38, /has migrated its tables in pgboss since the server started with 12.26/, /start the server again/],
    [47, /newer than 12.38 \(schema 47\) in pgboss is only looked at/, /install a newer version of jobs-server/],
  ] as const)('close changes at version %i, and say so in every place', async (version, why, instead) => {
    expect(await runServer(['migrate', '--engine', 'pg-boss'], database.env)).toMatchObject({ code: 0 })
    await serve()
    const open = 'jobsctl_engine_writes_open{engine="pg-boss",domain="pgboss"}'
    expect(await metrics()).toContain(`${open} 1`)
    const change = { domain: 'pgboss', queue: oddQueues.plain, priority: 7 }
    expect((await ask('POST', '/api/v1/jobs/batch/priority', change)).status).toBe(200)
    await sql`update pgboss.version set version = ${version}`
    // The first batch sees it, before the server has looked again.
    const refused = await ask('POST', '/api/v1/jobs/batch/priority', { ...change, priority: 8 })
    expect(refused.status).toBeGreaterThanOrEqual(409)
    await until('the server has seen the version', async () => (await metrics()).includes(`${open} 0`))
    await until('the version is known', async () => why.test(JSON.stringify((await ask('GET', '/api/v1/engine')).body)))
    const again = await ask('POST', '/api/v1/jobs/batch/priority', { ...change, priority: 9 })
    expect({ status: again.status, ...Object(again.body) }).toMatchObject({
      ...{ status: 422, code: 'not_supported' },
      detail: expect.stringMatching(why),
      hint: expect.stringMatching(instead),
    })
    const [{ changed }] = await sql<
      [{ changed: number }]
    >`select count(*)::int as changed from pgboss.job where priority in (8, 9)`
    expect(changed).toBe(0)
    const told = await doctor()
    expect(told).toMatch(why)
    expect(told).toMatch(/^engine\twarning\t.*until that is done, the server changes no jobs in pgboss$/m)
    expect(told).not.toContain('changes are allowed')
    const events = () =>
      sql`select domain, attrs_json from jobsctl.job_events where event_type = 'engine.writes_closed'`
    await until('there is an event', async () => (await events()).length > 0)
    expect(await events()).toMatchObject([
      { domain: 'pgboss', attrs_json: { engine: 'pg-boss', why: expect.stringMatching(why) } },
    ])
    expect((await ask('GET', '/api/v1/jobs/stats')).status).toBe(200)
    // The tables of before are those that the server has looked at.
    await sql`update pgboss.version set version = 37`
    await until('changes are made again', async () => (await metrics()).includes(`${open} 1`))
    expect((await ask('POST', '/api/v1/jobs/batch/priority', change)).status).toBe(200)
  })

  const reads = [
    ...['stats', 'list', 'clusters', 'stale', 'workers', 'history'].map((path) => `/api/v1/jobs/${path}`),
    ...[
      '/api/v1/jobs/queues/explain?domain=pgboss&queue=mail',
      '/api/v1/jobs/job?key=mail/00000000-0000-4000-8000-000000000000',
    ],
  ]

  it.each([
    [
      'drop a column',
      'alter table pgboss.job drop column retry_count',
      'alter table pgboss.job add retry_count integer not null default 0',
    ],
    ['change a type', 'alter table pgboss.job alter start_after type text using start_after::text', undefined],
    ['drop a table', 'drop table pgboss.queue cascade', undefined],
    ['drop the schema', 'drop schema pgboss cascade', undefined],
  ] as const)('%s: reads end with what to do, and none with 500', async (_what, statement, back) => {
    await serve()
    for (const path of reads) expect((await ask('GET', path)).status, path).toBeLessThan(500)
    await sql.unsafe(statement)
    let refused = 0
    for (const path of reads) {
      const { status, body } = await ask('GET', path)
      expect({ path, status, body }).toMatchObject({ path, status: expect.toSatisfy((one) => one !== 500) })
      // A statement that was prepared before the change is refused once, as 503.
      if (status !== 409) continue
      refused++
      expect(body, path).toMatchObject({
        detail: expect.stringContaining('the tables of pg-boss in pgboss are not as they were'),
        hint: expect.stringContaining('start the server again'),
      })
    }
    expect(refused).toBeGreaterThan(0)
    if (back === undefined) return
    await sql.unsafe(back)
    expect((await ask('GET', '/api/v1/jobs/list')).status).toBe(200)
  })

  it('hide rows: nothing is counted, and jobs are shown', async () => {
    await sql.unsafe(`create role ${role} login; grant usage on schema pgboss to ${role};
      grant select on all tables in schema pgboss to ${role}`)
    const url = new URL(database.env.JOBS_DB_URL ?? '')
    url.username = role
    await serve({ JOBS_DB_URL: url.href })
    expect((await ask('GET', '/api/v1/jobs/stats')).status).toBe(200)
    expect(await metrics()).toContain('jobsctl_jobs{')
    await sql.unsafe(`alter table pgboss.job enable row level security;
      create policy only_mail on pgboss.job using (name = '${oddQueues.plain}')`)
    await until('the server has seen it', async () => (await ask('GET', '/api/v1/jobs/stats')).status === 422)
    for (const path of ['stats', 'clusters', 'history', 'workers']) {
      const { status, body } = await ask('GET', `/api/v1/jobs/${path}`)
      expect({ status, body }, path).toMatchObject({
        status: 422,
        body: {
          detail: expect.stringContaining('row-level security hides rows of pgboss.job'),
          hint: expect.stringContaining(`alter role ${role} bypassrls`),
        },
      })
    }
    expect(await ask('POST', '/api/v1/jobs/batch/retry', { domain: 'pgboss', dry_run: true })).toMatchObject({
      status: 422,
    })
    expect(await ask('GET', '/api/v1/jobs/list')).toMatchObject({ status: 200, headers: { 'x-hides-rows': 'true' } })
    for (const output of ['--ids', '--json', '--all-pages'])
      expect(await jobsctl('list', '--queue', oddQueues.long, output)).toMatchObject({
        ...{
          code: 0,
          err: expect.stringContaining('note: row-level security hides jobs: jobsctl doctor'),
        },
      })
    expect((await jobsctl('list', '--queue', oddQueues.plain, '--ids')).err).toBe('')
    const text = await metrics()
    expect(text).not.toContain('jobsctl_jobs{')
    expect(text).toContain('# there is no series of jobs: row-level security hides rows of pgboss.job')
    expect(await doctor()).toContain(`alter role ${role} bypassrls;`)
    await sql.unsafe(`alter role ${role} bypassrls`)
    await until('jobs are counted again', async () => (await ask('GET', '/api/v1/jobs/stats')).status === 200)
  })
})
