import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillPgBoss, makePgBoss, oddQueues } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
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
      await sql`insert into ${sql(`${schema}.job`)} (name, state, completed_on) select 'without jobs', 'failed', now() from generate_series(1, 4)`
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
    ['retry-now', { queue: 'without jobs', only_failed: true }, 'affected'] as const,
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

  it('undoes nothing in a domain that the server does not serve', async () => {
    const third = 'third'
    await makePgBoss({ sql, version, schema: third })
    await fillPgBoss({ sql, version, schema: third })
    const serve = async (schemas: string) => {
      const one = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key', JOBS_ENGINE_SCHEMA: schemas })
      await one.prepared
      const post = (path: string, body: object) => {
        const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
        return call({ url: one.url, method: 'POST', path: `/api/v1/jobs/${path}`, headers, body })
      }
      return { post, stop: one.stop }
    }
    const all = await serve(`${second},${third}`)
    const { operation_id } = Answer.parse(
      (await all.post('batch/priority', { domain: third, queue: oddQueues.plain, priority: 9 })).body,
    )
    for (const body of [{ dry_run: true }, {}])
      expect(await ask('POST', `operations/${operation_id}/undo`, body)).toMatchObject({
        status: 409,
        body: { code: 'conflict', detail: expect.stringContaining(third), hint: expect.stringContaining(second) },
      })
    const alone = await serve(second)
    for (const body of [{ dry_run: true }, {}])
      expect(await alone.post(`operations/${operation_id}/undo`, body)).toMatchObject({
        status: 409,
        body: {
          code: 'conflict',
          detail: expect.stringContaining(`the domain ${third}, which this server does not serve`),
        },
      })
    await alone.stop()
    const undone = await all.post(`operations/${operation_id}/undo`, {})
    expect(undone).toMatchObject({ status: 200, body: { conflict_count: 0 } })
    expect(Answer.parse(undone.body).affected).toBeGreaterThan(0)
    await all.stop()
    await sql`drop schema ${sql(third)} cascade`
  })

  it('is no fault for doctor, which previews a change of one domain alone', async () => {
    const { code, out, err } = await runJobsctl(['doctor'], {
      env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' },
    })
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^bounds\twarning\tnot checked, since the server wants a domain to be named\t/m)
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

describe('jobs of our own and of pg-boss in one server', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  const env = { JOBS_ENGINE: ' pg-boss , own', SINGLE_USER_API_KEY: 'key' }
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makePgBoss({ sql, version })
    await fillPgBoss({ sql, version })
    await sql`update pgboss.job set completed_on = completed_on - interval '2 days' where completed_on is not null`
    await sql`create table before as select *, to_jsonb(j) as whole from pgboss.job as j`
    expect(await runServer(['migrate'], { ...database.env, ...env })).toMatchObject({ code: 0 })
    await sql`create table bullmq_archive (operation_id bigint, id text primary key)`
    server = await startServer({ ...database.env, ...env })
    await server.prepared
  })
  afterAll(async () => {
    await server.stop()
    await sql.end()
    await database.drop()
  })
  const ask = (method: 'GET' | 'POST', path: string, body?: object) =>
    call({
      url: server.url,
      method,
      path: `/api/v1/jobs/${path}`,
      headers: { 'x-api-key': 'key', 'x-confirm': 'true' },
      ...(body && { body }),
    })
  const theirs = async () => {
    const [row] = await sql<[{ count: number }]>`
      select count(*)::int as count from (
        (select whole - 'keep_until' - 'deletion_seconds' from before
          except all select to_jsonb(j) - 'keep_until' - 'deletion_seconds' from pgboss.job as j)
      ) as different`
    return row.count
  }
  beforeEach(async () => {
    await sql`delete from jobs`
    for (const status of ['queued', 'failed'])
      await sql`
        insert into jobs (domain, queue, job_type, payload, status, available_at, completed_at)
        select 'app', 'mail', 'send', '{}', ${status}, now() - interval '1 day', case when ${status} = 'failed' then now() - interval '9 days' end
        from generate_series(1, 3)`
  })

  it('has calls without a domain, and with another one, for our own jobs', async () => {
    for (const path of ['stats', 'list', 'list?status=failed', 'list?domain=app'])
      expect([path, domainsOf((await ask('GET', path)).body)]).toEqual([path, ['app']])
    const { body } = await ask('POST', 'prune', { older_than_days: 7 })
    expect(body).toMatchObject({ deleted: 3 })
    expect((await ask('POST', 'batch/cancel', { all: true })).body).toMatchObject({ cancelled: 3 })
    expect(await theirs()).toBe(0)
  })

  it('has calls with its domain for the jobs of the engine, in the same chain of records', async () => {
    for (const path of [
      'stats?domain=pgboss',
      'list?domain=pgboss',
      'list?domain=pgboss&status=failed&sort_by=priority',
    ])
      expect([path, domainsOf((await ask('GET', path)).body)]).toEqual([path, ['pgboss']])
    expect((await ask('GET', 'clusters?domain=pgboss')).body).toMatchObject({ clusters: [{ domain_count: 1 }, {}] })
    const preview = Answer.parse(
      (await ask('POST', 'prune', { domain: 'pgboss', older_than_days: 1, dry_run: true })).body,
    )
    const { body } = await ask('POST', 'prune', {
      domain: 'pgboss',
      older_than_days: 1,
      preview_token: preview.preview.token,
    })
    const { operation_id, deleted } = Answer.parse(body)
    expect(deleted).toBe(preview.preview.count)
    expect(await theirs()).toBe(deleted)
    expect(await sql`select count(*)::int as count from pgboss_archive`).toEqual([{ count: deleted }])
    expect((await ask('GET', `operations/${operation_id}`)).body).toMatchObject({
      ...{ domain: 'pgboss', kind: 'prune' },
      now: { archived: deleted },
    })
    expect((await ask('GET', 'archive/list?domain=pgboss')).body).toMatchObject([{ operation_id, jobs: deleted }])
    expect((await ask('POST', `operations/${operation_id}/undo`, {})).body).toMatchObject({
      affected: deleted,
      conflict_count: 0,
    })
    expect(await theirs()).toBe(0)
    expect((await ask('GET', 'operations/verify')).body).toMatchObject({ ok: true })
    expect(await sql`select count(*)::int as count from jobs`).toEqual([{ count: 6 }])
  })

  it('finds jobs of the engine by their keys, and refuses what it cannot', async () => {
    const [job] = await sql<
      [{ id: string }]
    >`select id from pgboss.job where name = ${oddQueues.plain} and state = 'created' limit 1`
    const key = `${oddQueues.plain}/${job.id}`
    for (const one of [key, job.id])
      expect(await ask('GET', `job?key=${encodeURIComponent(one)}`)).toMatchObject({ status: 200, body: { id: key } })
    const changed = await ask('POST', 'batch/priority', { ids: [key], priority: 9 })
    expect(changed).toMatchObject({ status: 200, body: { affected: 1 } })
    const { operation_id } = Answer.parse(changed.body)
    const events = await ask('GET', 'events?domain=pgboss&limit=1000')
    expect(events.body).toContainEqual(expect.objectContaining({ job_id: key, event_type: 'job.priority_set' }))
    const ours = z
      .array(z.looseObject({ domain: z.string().nullable(), event_type: z.string() }))
      .parse((await ask('GET', 'events?limit=1000')).body)
    expect(ours.filter(({ domain, event_type }) => domain === 'pgboss' && event_type.startsWith('job.'))).toEqual([])
    expect((await ask('POST', `operations/${operation_id}/undo`, {})).body).toMatchObject({ affected: 1 })
    for (const [path, body] of [
      ['queue/control', { domain: 'pgboss', queue: 'mail', action: 'pause' }],
      [
        'batch',
        {
          jobs: [
            { domain: 'app', queue: 'q', job_type: 't', payload: {} },
            { domain: 'pgboss', queue: 'q', job_type: 't', payload: {} },
          ],
        },
      ],
      ['acquire', { domain: 'pgboss', queue: 'mail', worker_id: 'w' }],
    ] as const)
      expect([path, await ask('POST', path, body)]).toMatchObject([
        path,
        { status: 422, body: { code: 'not_supported' } },
      ])
    const { body } = await call({
      url: server.url,
      method: 'GET',
      path: '/api/v1/engine',
      headers: { 'x-api-key': 'key' },
    })
    expect(body).toMatchObject({
      engines: [
        { engine: 'own', schema: null, mode: 'own' },
        { engine: 'pg-boss', schema: 'pgboss', changes: true },
      ],
    })
  })

  it('goes on with our own jobs when the schema of the engine is gone, and with both when it is back', async () => {
    const changed = await ask('POST', 'batch/priority', { domain: 'pgboss', queue: oddQueues.plain, priority: 8 })
    const { operation_id } = Answer.parse(changed.body)
    await sql`alter schema pgboss rename to away`
    for (const path of ['stats', 'list', 'clusters']) {
      expect([path, (await ask('GET', path)).status]).toEqual([path, 200])
      expect(await ask('GET', `${path}?domain=pgboss`)).toMatchObject({ status: 409, body: { code: 'conflict' } })
    }
    expect(await ask('POST', 'batch/cancel', { domain: 'pgboss' })).toMatchObject({ status: 409 })
    await sql`alter schema away rename to pgboss`
    expect((await ask('GET', 'stats?domain=pgboss')).status).toBe(200)
    expect((await ask('POST', `operations/${operation_id}/undo`, {})).body).toMatchObject({ conflict_count: 0 })
  })

  it('undoes nothing of the engine on a server that serves other jobs alone, and says so', async () => {
    for (const table of ['jobsctl_held_jobs', 'jobsctl_holds']) await sql`delete from ${sql(table)}`
    const operations: number[] = []
    for (const [path, body] of [
      ['batch/priority', { domain: 'pgboss', queue: oddQueues.plain, priority: 6 }],
      ['prune', { domain: 'pgboss', older_than_days: 1 }],
    ] as const)
      operations.push(Answer.parse((await ask('POST', path, body)).body).operation_id)
    const ours = Answer.parse((await ask('POST', 'batch/priority', { domain: 'app', all: true, priority: 6 })).body)
    const before = await theirs()
    const alone = async (engine: string, ids: readonly number[]) => {
      const one = await startServer({ ...database.env, ...env, JOBS_ENGINE: engine })
      await one.prepared
      const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
      for (const id of ids) {
        const undo = { url: one.url, path: `/api/v1/jobs/operations/${id}/undo`, method: 'POST', headers } as const
        for (const body of [{ dry_run: true }, {}])
          expect([engine, id, await call({ ...undo, body })]).toMatchObject([
            engine,
            id,
            {
              status: 409,
              body: {
                detail: expect.stringContaining('does not serve; nothing was changed'),
                hint: expect.stringContaining('JOBS_ENGINE=own,pg-boss'),
              },
            },
          ])
        const path = `/api/v1/jobs/operations/${id}/conflicts`
        expect(await call({ url: one.url, path, method: 'GET', headers })).toMatchObject({ status: 409 })
      }
      await one.stop()
    }
    await alone('own', operations)
    await alone('pg-boss', [ours.operation_id])
    expect(await theirs()).toBe(before)
    for (const id of [...operations, ours.operation_id].toReversed()) {
      const { status, body } = await ask('POST', `operations/${id}/undo`, {})
      expect({ status, body }).toMatchObject({ status: 200, body: { conflict_count: 0 } })
      expect(Answer.parse(body).affected).toBeGreaterThan(0)
    }
    expect(await theirs()).toBe(0)
  })

  it('has the archive of the engine taken out with our own tables, whichever engines are served', async () => {
    for (const engine of ['own', 'own,pg-boss']) {
      const { code, out } = await runServer(['uninstall'], { ...database.env, ...env, JOBS_ENGINE: engine })
      expect([engine, code, /\bpgboss_archive[,;]/.test(out)]).toEqual([engine, 0, true])
      expect(out).not.toMatch(/pgboss\.|theirs_archive|bullmq_archive/)
    }
  })

  it('starts with another domain for the schema where our own jobs have its name', async () => {
    await sql`insert into jobs (domain, queue, job_type, payload, status) values ('pgboss', 'q', 't', '{}', 'queued')`
    const refused = await runServer([], { ...database.env, ...env, PORT: '0' })
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('JOBS_ENGINE_DOMAIN=pgboss:pgboss2') })
    for (const [domains, why] of [
      ['nowhere:x', 'in the schema nowhere'],
      ['pgboss', 'must be as pgboss:queue2'],
    ] as const)
      expect(await runServer([], { ...database.env, ...env, PORT: '0', JOBS_ENGINE_DOMAIN: domains })).toMatchObject({
        code: 2,
        err: expect.stringContaining(why),
      })
    const other = await startServer({ ...database.env, ...env, JOBS_ENGINE_DOMAIN: 'pgboss:queue2' })
    await other.prepared
    const stats = async (query: string) =>
      domainsOf(
        (
          await call({
            url: other.url,
            method: 'GET',
            path: `/api/v1/jobs/stats${query}`,
            headers: { 'x-api-key': 'key' },
          })
        ).body,
      )
    expect([await stats(''), await stats('?domain=queue2')]).toEqual([['app', 'pgboss'], ['queue2']])
    await other.stop()
  })
})

describe('callers with tokens', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  const env = { AUTH_MODE: 'multi_user', JOBS_ENGINE: 'own,pg-boss' }
  const running: Awaited<ReturnType<typeof startServer>>[] = []
  const serve = async (more: Record<string, string>) => {
    const server = await startServer({ ...database.env, ...more })
    running.push(server)
    await server.prepared
    return server
  }
  const tokenOf = async (name: string, role: string, ...flags: string[]) => {
    const { code, out, err } = await runServer(['token', 'create', name, '--role', role, ...flags], {
      ...database.env,
      ...env,
    })
    if (code !== 0) throw new Error(err)
    return out.trim().split(/\s+/).at(-1) ?? ''
  }
  const ask = (url: string, token: string, method: 'GET' | 'POST', path: string, body?: object) =>
    call({
      url,
      method,
      path: `/api/v1/jobs/${path}`,
      headers: { authorization: `Bearer ${token}`, 'x-confirm': 'true', 'x-reason': 'a test' },
      ...(body && { body }),
    })
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    for (const schema of ['pgboss', 'second']) {
      await makePgBoss({ sql, version, schema })
      await fillPgBoss({ sql, version, schema })
    }
  })
  afterAll(async () => {
    for (const server of running) await server.stop()
    await sql.end()
    await database.drop()
  })

  it('reach the jobs of an engine by a scope, or by a token that is younger than the work on it', async () => {
    const own = { ...database.env, AUTH_MODE: 'multi_user', JOBS_ENGINE: 'own' }
    expect(await runServer(['migrate'], own)).toMatchObject({ code: 0 })
    const old = await tokenOf('old', 'admin')
    const scoped = await tokenOf('scoped', 'operator', '--domain', 'pgboss')
    expect(await runServer(['migrate'], { ...own, ...env })).toMatchObject({ code: 0 })
    const { url } = await serve(env)
    const young = await tokenOf('young', 'admin')
    const statusOf = async (token: string, path: string) => (await ask(url, token, 'GET', path)).status
    expect([await statusOf(old, 'stats'), await statusOf(old, 'stats?domain=pgboss')]).toEqual([200, 403])
    expect(await statusOf(old, 'stats/stream?domain=pgboss')).toBe(403)
    expect(await ask(url, old, 'POST', 'batch/cancel', { domain: 'pgboss' })).toMatchObject({ status: 403 })
    expect(await statusOf(young, 'stats?domain=pgboss')).toBe(200)
    expect(domainsOf((await ask(url, scoped, 'GET', 'stats')).body)).toEqual(['pgboss'])
    const changed = await ask(url, scoped, 'POST', 'batch/priority', { queue: oddQueues.plain, priority: 5 })
    const { operation_id, affected } = Answer.parse(changed.body)
    expect(affected).toBeGreaterThan(0)
    expect((await ask(url, scoped, 'GET', `operations/${operation_id}`)).body).toMatchObject({ domain: 'pgboss' })
    expect((await ask(url, scoped, 'POST', `operations/${operation_id}/undo`, {})).body).toMatchObject({ affected })
  })

  it('make, approve and apply a plan for the jobs of one domain, and a rule names one', async () => {
    const { url } = await serve(env)
    const [author, approver] = [
      await tokenOf('author', 'admin', '--principal', 'ann'),
      await tokenOf('approver', 'admin', '--principal', 'bob'),
    ]
    const planned = await ask(url, author, 'POST', 'plans', {
      path: '/api/v1/jobs/batch/cancel',
      request: { domain: 'second', status: ['queued'] },
    })
    const plan = z.looseObject({ id: z.number(), count: z.number(), digest: z.string() }).parse(planned.body)
    expect((await ask(url, approver, 'POST', `plans/${plan.id}/approve`, { digest: plan.digest })).status).toBe(200)
    const applied = await ask(url, author, 'POST', `plans/${plan.id}/apply`, {})
    expect(applied).toMatchObject({ status: 200, body: { cancelled: plan.count } })
    const { operation_id } = Answer.parse(applied.body)
    const undone = await ask(url, author, 'POST', `operations/${operation_id}/undo`, {})
    expect(undone.body).toMatchObject({ affected: plan.count })
    const rule = { name: 'r', at: '0 3 * * *', time_zone: 'UTC', max: 10, mode: 'report' }
    const prune = { statuses: ['completed'], older_than_days: 1 }
    const rules = [{ ...rule, domain: 'second', prune }]
    expect((await ask(url, author, 'POST', 'policy', { rules, revision: 0, dry_run: true })).status).toBe(200)
    const failing = [{ ...rule, domain: 'second', sweep: { age_seconds: 60, action: 'fail' } }]
    expect(await ask(url, author, 'POST', 'policy', { rules: failing, revision: 0 })).toMatchObject({
      status: 422,
      body: { detail: expect.stringMatching(/^the rule r: pg-boss fails a job by its worker/) },
    })
    const engines = await serve({ ...env, JOBS_ENGINE: 'pg-boss' })
    const everywhere = { rules: [{ ...rule, domain: 'nowhere', prune }], revision: 0 }
    expect(await ask(engines.url, author, 'POST', 'policy', everywhere)).toMatchObject({
      status: 422,
      body: { code: 'not_supported' },
    })
  })
})
