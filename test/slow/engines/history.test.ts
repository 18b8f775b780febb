import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { history } from '../../../shared/endpoints.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillPgBoss, makePgBoss, oddQueues, schemaVersions } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const schema = `Queues "of" O'Brien`
const hour = 3_600_000

describe.each(schemaVersions)('the history of jobs of pg-boss with schema %i', (version) => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  const job = () => sql(`${schema}.job`)
  const serve = async () => {
    server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' })
    await server.prepared
  }
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makePgBoss({ sql, version, schema })
    await fillPgBoss({ sql, version, schema })
    // Queues of a time before the jobs: nothing is missing since then.
    await sql`update ${sql(`${schema}.queue`)} set created_on = now() - interval '30 days'`
    await serve()
  })
  afterAll(async () => {
    await server.stop()
    await sql.end()
    await database.drop()
  })

  const read = async (query: Record<string, string> = {}) => {
    const { status, body } = await call({
      url: server.url,
      method: 'GET',
      path: `${history.path}?${new URLSearchParams(query)}`,
      headers: { 'x-api-key': 'key' },
    })
    expect(status, JSON.stringify(body)).toBe(200)
    return history.output.parse(body)
  }
  const from = (hours: number) => new Date(Date.now() - hours * hour).toISOString()

  /** What PostgreSQL counts by hour: the numbers that are not 0. */
  const counted = async (queues: readonly string[]) => {
    const rows = await sql<{ at: Date; what: string; jobs: number }[]>`
      select date_trunc('hour', at, 'UTC') as at, what, count(*)::int as jobs
      from (
        select name, completed_on as at, state::text as what from ${job()} where state > 'active'
        union all select name, created_on, 'created' from ${job()}
        union all select name, started_on, 'acquired' from ${job()}
        union all select name, completed_on, 'ran' from ${job()} where state in ('completed', 'failed') and started_on is not null
      ) as times
      where name = any(${queues}) and at is not null
      group by 1, 2`
    return sorted(rows.map(({ at, what, jobs }) => `${at.toISOString()} ${what} ${jobs}`))
  }
  const numbersOf = ({ points }: Awaited<ReturnType<typeof read>>) =>
    sorted(
      points.flatMap(({ at, run, wait: _wait, ...numbers }) =>
        [...Object.entries(numbers), ['ran', run.jobs] as const].flatMap(([what, jobs]) =>
          jobs === 0 ? [] : `${at} ${what} ${jobs}`,
        ),
      ),
    )
  const sorted = (lines: readonly string[]) => lines.toSorted()

  it('has what PostgreSQL counts by the times of the jobs that are there', async () => {
    const answer = await read({ from: from(24), step: '1h' })
    expect(numbersOf(answer)).toEqual(await counted(Object.values(oddQueues)))
    expect(answer).toMatchObject({
      kept: false,
      of_jobs: { not_read: null, not_told: expect.arrayContaining(['returned']) },
    })
    expect(answer.points.length).toBeGreaterThan(23)
    const one = await read({ from: from(24), step: '1h', queue: oddQueues.plain, domain: schema })
    expect(numbersOf(one)).toEqual(await counted([oddQueues.plain]))
    const none = await read({ from: from(24), step: '1h', domain: 'other' })
    expect({ numbers: numbersOf(none), since: none.since }).toEqual({ numbers: [], since: null })
    if (version === 24) return
    const letters = await read({ from: from(24), step: '1h', job_type: oddQueues.plain })
    expect(letters.points.reduce((sum, { created }) => sum + created, 0)).toBe(10)
  })

  it('has the starts of jobs that ended after its range', async () => {
    const whole = await read({ from: from(12), step: '1m' })
    const began = whole.points.filter(({ acquired }) => acquired > 0)
    const [first] = began
    if (!first) throw new Error('no job has begun')
    const minute = await read({ from: first.at, to: new Date(Date.parse(first.at) + 60_000).toISOString(), step: '1m' })
    expect(minute.points).toEqual([first])
  })

  it('says from when on no job is missing', async () => {
    const { since } = await read()
    // Version 10 has the term in its program alone.
    if (version === 24) return expect(Date.now() - Date.parse(since ?? '')).toBeLessThan(60_000)
    expect((Date.now() - Date.parse(since ?? '')) / hour).toBeCloseTo(7 * 24, 0)
    const queue = sql(`${schema}.queue`)
    await sql`update ${queue} set deletion_seconds = 7200 where name = ${oddQueues.dead}`
    const [dead, plain] = [await read({ queue: oddQueues.dead }), await read({ queue: oddQueues.plain })]
    expect((Date.now() - Date.parse(dead.since ?? '')) / hour).toBeCloseTo(2, 1)
    expect((Date.now() - Date.parse(plain.since ?? '')) / hour).toBeCloseTo(7 * 24, 0)
    await sql`update ${queue} set deletion_seconds = 604800`
    // The option of a job goes before that of its queue.
    const [row] = await sql<
      [{ id: string }]
    >`select id from ${job()} where name = ${oddQueues.plain} and state = 'completed' limit 1`
    await sql`update ${job()} set deletion_seconds = 36000 where id = ${row.id}`
    expect((Date.now() - Date.parse((await read()).since ?? '')) / hour).toBeCloseTo(10, 1)
    await sql`update ${job()} set deletion_seconds = 0`
    await sql`update ${queue} set deletion_seconds = 0, retention_seconds = 86400 * 20`
    expect((Date.now() - Date.parse((await read()).since ?? '')) / hour).toBeCloseTo(20 * 24, 0)
    await sql`update ${job()} set deletion_seconds = 604800`
    await sql`update ${queue} set deletion_seconds = 604800`
  })

  it('is printed with what is not known', async () => {
    const { code, out } = await runJobsctl(['history', '--since', '24h', '--step', '1h', '--tsv'], {
      env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' },
    })
    expect(code).toBe(0)
    const lines = out.trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(23)
    // What ran again, was brought back or is of another state, between the cancelled jobs and the waits.
    expect(new Set(lines.map((line) => line.split('\t').slice(7, 11).join()))).toEqual(new Set([',,,']))
  })

  it('counts the jobs of two schemas, together and apart', async () => {
    const before = await read({ from: from(24), step: '1h' })
    await makePgBoss({ sql, version, schema: 'other' })
    await fillPgBoss({ sql, version, schema: 'other' })
    await server.stop()
    await serve()
    const sumOf = ({ points }: typeof before) => points.reduce((all, { created, failed }) => all + created + failed, 0)
    const [both, one, other] = await Promise.all(
      [{}, { domain: schema }, { domain: 'other' }].map((domain) => read({ from: from(24), step: '1h', ...domain })),
    )
    if (!both || !one || !other) throw new Error('no answer')
    expect(numbersOf(one)).toEqual(numbersOf(before))
    expect(sumOf(both)).toBe(sumOf(one) + sumOf(other))
    expect(sumOf(other)).toBeGreaterThan(100)
    await sql`drop schema other cascade`
    await server.stop()
    await serve()
  })

  it.skipIf(version === 24)('counts jobs that a prune has deleted, and says when it cannot', async () => {
    await server.stop()
    expect(await runServer(['migrate', '--engine', 'pg-boss'], database.env)).toMatchObject({ code: 0 })
    await serve()
    await sql`
      update ${job()} set created_on = created_on - interval '30 hours', started_on = started_on - interval '30 hours',
        completed_on = completed_on - interval '30 hours' where state > 'active'`
    const before = await read({ from: from(60), step: '1h' })
    const post = async (path: string, body: object) => {
      const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
      const { status, body: answer } = await call({
        url: server.url,
        method: 'POST',
        path: `/api/v1/jobs/${path}`,
        headers,
        body,
      })
      expect(status, JSON.stringify(answer)).toBe(200)
    }
    await post('prune', {
      domain: schema,
      queue: oddQueues.plain,
      older_than_days: 1,
      statuses: ['completed', 'failed'],
    })
    const [{ left }] = await sql<[{ left: number }]>`
      select count(*)::int as left from ${job()} where name = ${oddQueues.plain} and state in ('completed', 'failed')`
    expect(left).toBe(0)
    const after = await read({ from: from(60), step: '1h' })
    expect(numbersOf(after)).toEqual(numbersOf(before))
    expect(Date.parse(after.since ?? '')).toBeLessThan(Date.now() - 24 * hour)
    await post('prune', {
      domain: schema,
      queue: oddQueues.dead,
      older_than_days: 1,
      statuses: ['completed'],
      no_archive: true,
    })
    expect(Date.parse((await read()).since ?? '')).toBeGreaterThan(Date.now() - hour / 4)
    expect(Date.parse((await read({ queue: oddQueues.plain })).since ?? '')).toBeLessThan(Date.now() - 24 * hour)
  })
})
