import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillPgBoss, makePgBoss, oddQueues } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const version = 46
const [first, second] = [`My "Boss's"/Jobs`, 'pgboss'] as const

/** What the tests read of an answer. */
const Answer = z.looseObject({
  operation_id: z
    .number()
    .nullish()
    .transform((id) => id ?? 0),
  affected: z.number().default(0),
  deleted: z.number().default(0),
  preview: z.looseObject({ count: z.number(), token: z.string() }).default({ count: 0, token: '' }),
})
const Rows = z.array(z.looseObject({ domain: z.string() }))
const domainsOf = (body: unknown) => [...new Set(Rows.parse(body).map(({ domain }) => domain))].toSorted()

describe('two schemas of pg-boss in one server', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    for (const schema of [first, second]) {
      await makePgBoss({ sql, version, schema })
      await fillPgBoss({ sql, version, schema })
      await sql`update ${sql(`${schema}.job`)} set completed_on = completed_on - interval '2 days' where completed_on is not null`
      await sql`create table ${sql(`before ${schema}`)} as select *, to_jsonb(j) as whole from ${sql(`${schema}.job`)} as j`
    }
    expect(await runServer(['migrate', '--engine', 'pg-boss'], database.env)).toMatchObject({ code: 0 })
    server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key', JOBS_METRICS: 'on' })
    await server.prepared
  })
  afterAll(async () => {
    await server.stop()
    await sql.end()
    await database.drop()
  })
  beforeEach(async () => {
    await sql`delete from jobsctl.jobsctl_held_jobs`
    await sql`delete from jobsctl.jobsctl_holds`
    for (const schema of [first, second]) {
      const row = sql.unsafe(`(jsonb_populate_record(null::"${schema.replaceAll('"', '""')}".job, whole)).*`)
      await sql`delete from ${sql(`${schema}.job`)}`
      await sql`insert into ${sql(`${schema}.job`)} select ${row} from ${sql(`before ${schema}`)}`
    }
  })

  const ask = (method: 'GET' | 'POST', path: string, body?: object) =>
    call({
      url: server.url,
      method,
      path: `/api/v1/jobs/${path}`,
      headers: { 'x-api-key': 'key', 'x-confirm': 'true' },
      ...(body && { body }),
    })
  const post = async (path: string, body: object) => {
    const { status, body: answer } = await ask('POST', path, body)
    return { status, body: Answer.parse(answer) }
  }
  /** How many jobs of a schema differ from those before, but for the times at which pg-boss deletes them. */
  const differing = async (schema: string) => {
    const [row] = await sql<[{ count: number }]>`
      select count(*)::int as count from (
        (select whole - 'keep_until' - 'deletion_seconds' from ${sql(`before ${schema}`)}
          except all select to_jsonb(j) - 'keep_until' - 'deletion_seconds' from ${sql(`${schema}.job`)} as j)
        union all
        (select to_jsonb(j) - 'keep_until' - 'deletion_seconds' from ${sql(`${schema}.job`)} as j
          except all select whole - 'keep_until' - 'deletion_seconds' from ${sql(`before ${schema}`)})
      ) as different`
    return row.count
  }
  const keysOf = async (schema: string, queue: string) =>
    (
      await sql<
        { id: string }[]
      >`select id from ${sql(`${schema}.job`)} where name = ${queue} and state = 'created' order by id`
    ).map(({ id }) => `${queue}/${id}`)

  it.each([
    'stats',
    'list?limit=1000',
    'list?limit=1000&status=failed',
    'list?limit=1000&status=queued,processing&sort_by=priority',
    'list?limit=1000&sort_by=ended_at',
    'stale',
  ])('is read together, or one by one: %s', async (path) => {
    const { status, body } = await ask('GET', path)
    expect({ status, domains: domainsOf(body) }).toEqual({ status: 200, domains: [first, second] })
    for (const domain of [first, second]) {
      const one = await ask('GET', `${path}${path.includes('?') ? '&' : '?'}domain=${encodeURIComponent(domain)}`)
      expect({ status: one.status, domains: domainsOf(one.body) }).toEqual({ status: 200, domains: [domain] })
      const rows = Rows.parse(body).filter((row) => row.domain === domain)
      expect(rows).toEqual(one.body)
    }
  })

  it('has its failures, workers, archive and metrics read together', async () => {
    for (const path of ['clusters', 'workers', 'archive/list', 'queues', 'operations', 'events', 'sla/breaches'])
      expect([path, (await ask('GET', path)).status]).toEqual([path, path === 'sla/breaches' ? 422 : 200])
    const failed = z.object({
      clusters: z.array(z.looseObject({ domains: z.array(z.looseObject({ domain: z.string() })) })),
    })
    const { clusters } = failed.parse((await ask('GET', 'clusters')).body)
    expect(new Set(clusters.flatMap(({ domains }) => domains.map(({ domain }) => domain)))).toEqual(
      new Set([first, second]),
    )
    const metrics = await fetch(`${server.url}/metrics/jobs`, { headers: { 'x-api-key': 'key' } })
    const text = await metrics.text()
    expect(metrics.status).toBe(200)
    expect(text).toContain('domain="pgboss"')
    expect(text).toContain(String.raw`domain="My \"Boss's\"/Jobs"`)
  })

  it.each([
    ['batch/cancel', {}, 'affected'] as const,
    ['batch/priority', { priority: 7 }, 'affected'] as const,
    ['retry-now', { queue: oddQueues.long, only_failed: true }, 'affected'] as const,
    ['prune', { older_than_days: 1, statuses: ['completed', 'failed', 'cancelled'] }, 'deleted'] as const,
  ])(
    'changes the jobs of the domain that %s names, on record, and an undo finds them',
    async (path, request, count) => {
      for (const [domain, other] of [
        [first, second],
        [second, first],
      ] as const) {
        const preview = await post(path, { ...request, domain, dry_run: true })
        const changed = await post(path, { ...request, domain, preview_token: preview.body.preview.token })
        expect({ status: changed.status, count: changed.body[count] }).toEqual({
          status: 200,
          count: preview.body.preview.count,
        })
        expect(changed.body[count]).toBeGreaterThan(0)
        expect([(await differing(domain)) > 0, await differing(other)]).toEqual([true, 0])
        const { body: record } = await ask('GET', `operations/${changed.body.operation_id}`)
        expect(record).toMatchObject({ domain })
        const undone = await post(`operations/${changed.body.operation_id}/undo`, {})
        expect(undone.body).toMatchObject({ affected: changed.body[count], conflict_count: 0 })
        expect([await differing(domain), await differing(other)]).toEqual([0, 0])
      }
    },
  )

  it.each([
    ['batch/cancel', { all: true }],
    ['batch/cancel', { all: true, dry_run: true }],
    ['batch/priority', { queue: oddQueues.plain, priority: 1 }],
    ['prune', { older_than_days: 1 }],
    ['retry-now', { domain: 'pg-boss' }],
    ['ttl/sweep', { age_seconds: 1 }],
  ])('refuses a change that names no domain of theirs: %s %j', async (path, body) => {
    const { status, body: problem } = await ask('POST', path, body)
    expect({ status, problem }).toMatchObject({
      status: 422,
      problem: { code: 'not_supported', hint: expect.stringContaining('--domain pgboss') },
    })
    expect([await differing(first), await differing(second)]).toEqual([0, 0])
  })

  it('finds the domain of jobs by their keys and uuids, and refuses those of two domains', async () => {
    const [key = '', next = ''] = await keysOf(first, oddQueues.plain)
    const [other = ''] = await keysOf(second, oddQueues.plain)
    const shown = await ask('GET', `job?key=${encodeURIComponent(other)}`)
    expect(shown).toMatchObject({ status: 200, body: { domain: second } })
    expect(await ask('GET', `job/explain?key=${encodeURIComponent(key)}`)).toMatchObject({
      status: 200,
      body: { domain: first },
    })
    const listed = await ask('GET', `list?ids=${encodeURIComponent([key, other].join(','))}`)
    expect(domainsOf(listed.body)).toEqual([first, second])
    const ids = [key, next.slice(next.indexOf('/') + 1)]
    const changed = await post('batch/priority', { ids, priority: 7 })
    expect(changed).toMatchObject({ body: { affected: 2 } })
    expect((await ask('GET', `operations/${changed.body.operation_id}`)).body).toMatchObject({ domain: first })
    expect((await post(`operations/${changed.body.operation_id}/undo`, {})).body).toMatchObject({ affected: 2 })
    const both = await ask('POST', 'batch/priority', { ids: [key, other], priority: 8 })
    expect(both).toMatchObject({
      status: 422,
      body: { code: 'not_supported', detail: expect.stringContaining('2 domains') },
    })
    expect([await differing(first), await differing(second)]).toEqual([0, 0])
  })

  it('tells what can be done with each of them', async () => {
    const { body } = await call({
      url: server.url,
      method: 'GET',
      path: '/api/v1/engine',
      headers: { 'x-api-key': 'key' },
    })
    const engine = { engine: 'pg-boss', mode: 'admin', changes: true }
    expect(body).toMatchObject({
      engines: [
        { ...engine, schema: first },
        { ...engine, schema: second },
      ],
    })
  })
})
