import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { catalogueOf } from '../../support/database/catalogue.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillBullMq, makeBullMq } from '../../support/engines/bullmq.ts'
import { fillGraphileWorker, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../support/engines/mapped.ts'
import { fillPgBoss, makePgBoss } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

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
const Ids = z.array(z.looseObject({ id: z.union([z.string(), z.number()]), domain: z.string() }))

/** Each engine with its domain, and its table of jobs. */
const engines = {
  'pg-boss': { domain: 'pgboss', table: 'pgboss.job' },
  bullmq: { domain: 'bullmq', table: 'bullmq.job' },
  'graphile-worker': { domain: 'graphile_worker', table: 'graphile_worker._private_jobs' },
  mapped: { domain: 'app', table: 'app.email_jobs' },
} as const

describe('several engines in one server, without jobs of our own', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  const env: Record<string, string> = { SINGLE_USER_API_KEY: 'key', JOBS_METRICS: 'on' }
  const domains = Object.values(engines)
    .map(({ domain }) => domain)
    .toSorted()
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makePgBoss({ sql, version: 46 })
    await fillPgBoss({ sql, version: 46 })
    await sql`update pgboss.job set completed_on = completed_on - interval '9 days' where completed_on is not null`
    await makeBullMq({ sql, version: 11 })
    await fillBullMq({ sql, version: 11 })
    await sql`update bullmq.job set finished_at_ms = finished_at_ms - 777600000 where finished_at_ms is not null`
    await makeGraphileWorker({ sql })
    await fillGraphileWorker({ sql })
    await makeEmailJobs(sql, 'uuid')
    await fillEmailJobs(sql, 60)
    await sql`update app.email_jobs set updated_at = updated_at - interval '9 days'`
    env.JOBS_ENGINE = Object.keys(engines).join()
    env.JOBS_MAP_FILE = await mapFile(emailMap)
    expect(await runServer(['migrate'], { ...database.env, ...env })).toMatchObject({ code: 0 })
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
  const countOf = async (table: string) => {
    const [{ count }] = await sql<[{ count: number }]>`select count(*)::int as count from ${sql(table)}`
    return count
  }

  it('reads the jobs of all together, and of one by its domain', async () => {
    for (const path of [
      'stats',
      'list?limit=1000',
      'list?limit=1000&status=failed',
      'list?limit=1000&sort_by=priority',
    ]) {
      const { status, body } = await ask('GET', path)
      expect({ path, status, domains: domainsOf(body) }).toEqual({ path, status: 200, domains })
      for (const domain of domains) {
        const one = await ask('GET', `${path}${path.includes('?') ? '&' : '?'}domain=${domain}`)
        expect({ path, status: one.status, domains: domainsOf(one.body) }).toEqual({
          path,
          status: 200,
          domains: [domain],
        })
        const idsOf = (rows: unknown) => Rows.parse(rows).filter((row) => row.domain === domain)
        expect([path, idsOf(body).length]).toEqual([path, idsOf(one.body).length])
      }
    }
    const some: string[] = []
    for (const domain of domains) {
      const { body } = await ask('GET', `list?limit=1&domain=${domain}`)
      some.push(...Ids.parse(body).map(({ id }) => `${id}`))
    }
    const listed = await ask('GET', `list?ids=${encodeURIComponent(some.join())}`)
    expect([listed.status, domainsOf(listed.body)]).toEqual([200, domains])
    const { body: clusters } = await ask('GET', 'clusters')
    const failed = z.object({ clusters: z.array(z.looseObject({ domains: Rows })) }).parse(clusters)
    expect(domainsOf(failed.clusters.flatMap((cluster) => cluster.domains))).toEqual(domains)
    for (const path of ['workers', 'queues', 'stale', 'archive/list', 'operations', 'events'])
      expect([path, await ask('GET', path)]).toMatchObject([path, { status: 200 }])
    const metrics = await fetch(`${server.url}/metrics/jobs`, { headers: { 'x-api-key': 'key' } })
    const text = await metrics.text()
    for (const domain of domains) expect(text).toContain(`domain="${domain}"`)
  })

  it.each([7, 100])('has each job on one of the pages of %i', async (limit) => {
    const seen: string[] = []
    for (let query: string | undefined = `limit=${limit}`; query !== undefined; ) {
      const { status, body, headers } = await ask('GET', `list?${query}`)
      expect({ status, complete: headers['x-complete'] }).toEqual({ status: 200, complete: 'true' })
      seen.push(...Ids.parse(body).map(({ domain, id }) => `${domain} ${id}`))
      query = /<\?([^>]*)>; rel="next"/.exec(headers.link ?? '')?.[1]
    }
    const counts = await Promise.all(Object.values(engines).map(({ table }) => countOf(table)))
    expect({ seen: seen.length, different: new Set(seen).size }).toEqual({
      seen: counts.reduce((all, count) => all + count, 0),
      different: seen.length,
    })
  })

  it.each(Object.entries(engines))(
    'changes the jobs of %s alone, and an undo gives them back',
    async (_, { domain, table }) => {
      const textOf = async (of: string) =>
        (await sql<{ row: string }[]>`select md5(j::text) as row from ${sql(of)} as j order by 1`).map(({ row }) => row)
      const others = Object.values(engines).filter((other) => other.domain !== domain)
      const before = await Promise.all(others.map((other) => textOf(other.table)))
      const count = await countOf(table)
      const isDead = domain === 'graphile_worker'
      for (const [path, body] of [
        ['prune', { older_than_days: 1, statuses: isDead ? ['failed'] : ['completed', 'failed'] }],
        ['retry-now', { only_failed: true }],
      ] as const) {
        for (const held of ['jobsctl_held_jobs', 'jobsctl_holds']) await sql`delete from ${sql(`jobsctl.${held}`)}`
        expect([path, await ask('POST', path, { ...body, queue: 'mail' })]).toMatchObject([
          path,
          { status: 422, body: { code: 'not_supported', hint: expect.stringContaining(`--domain ${domain}`) } },
        ])
        const previewed = await ask('POST', path, { ...body, domain, dry_run: true })
        expect([path, previewed]).toMatchObject([path, { status: 200 }])
        const { preview } = Answer.parse(previewed.body)
        const changed = await ask('POST', path, { ...body, domain, preview_token: preview.token })
        expect([path, changed]).toMatchObject([path, { status: 200 }])
        const { operation_id, affected, deleted } = Answer.parse(changed.body)
        expect([path, affected + deleted > 0, affected + deleted]).toEqual([path, true, preview.count])
        expect(await countOf(table)).toBe(count - deleted)
        expect((await ask('GET', `operations/${operation_id}`)).body).toMatchObject({ domain })
        const undone = await ask('POST', `operations/${operation_id}/undo`, {})
        expect([path, undone]).toMatchObject([
          path,
          { status: 200, body: { affected: affected + deleted, conflict_count: 0 } },
        ])
        expect(await countOf(table)).toBe(count)
      }
      expect(await Promise.all(others.map((other) => textOf(other.table)))).toEqual(before)
    },
  )

  it('tells each engine with its own verbs', async () => {
    const { body } = await call({
      url: server.url,
      method: 'GET',
      path: '/api/v1/engine',
      headers: { 'x-api-key': 'key' },
    })
    const told = z.object({ engines: z.array(z.looseObject({ engine: z.string(), mode: z.string() })) }).parse(body)
    expect(told.engines.map(({ engine }) => engine).toSorted()).toEqual(Object.keys(engines).toSorted())
  })
})

describe('several engines of which nobody has chosen any', () => {
  it('are all looked at, and a change names the command that makes records for all', async () => {
    const database = await emptyDatabase()
    const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makePgBoss({ sql, version: 46 })
    await fillPgBoss({ sql, version: 46 })
    await makeBullMq({ sql, version: 11 })
    await fillBullMq({ sql, version: 11 })
    const before = await catalogueOf(sql)
    const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' })
    await server.prepared
    const env = { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' }
    const stats = await runJobsctl(['stats', '--json'], { env })
    expect([stats.code, domainsOf(JSON.parse(stats.out))]).toEqual([0, ['bullmq', 'pgboss']])
    const prune = (...argv: string[]) => runJobsctl(['prune', '--older-than', '1d', ...argv], { env })
    expect(await prune('--all', '--yes')).toMatchObject({ code: 2, err: expect.stringContaining('--domain bullmq') })
    expect(await prune('--domain', 'bullmq', '--yes')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/jobs-server migrate --engine /),
    })
    expect((await prune('--domain', 'bullmq', '--dry-run')).code).toBe(0)
    await server.stop()
    expect(await catalogueOf(sql)).toEqual(before)
    await sql.end()
    await database.drop()
  })
})
