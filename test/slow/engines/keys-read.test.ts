import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase } from '../../support/database/database.ts'
import { mapFile } from '../../support/engines/mapped.ts'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { sampled } from '../../support/sample.ts'

const jobs = 20_000
const erased = 200
const queues = ['mail', 'a/b % é\u0007']

const map = (table: string) => `table: ${table}
key: id
queue: {column: queue}
status: {column: state, map: {0: queued, 1: processing, 2: completed, 4: cancelled}}
times: {created: created_at, ended: ended_at}
owner: {column: tenant}
payload: {column: args}
cancel: {set: {state: 4}}
prune: {of: [completed]}
`

/** Half of the jobs have ended 40 days ago, in two queues. */
const rows = `
  select i, ('{mail,"a/b % é' || chr(7) || '"}')::text[] as names, i <= ${jobs / 2} as old from generate_series(1, ${jobs}) as i`

const makeMapped = (id: string) => async (sql: postgres.Sql) => {
  await sql.unsafe(`
    create schema app;
    create table app.work (
      id ${id.replace(/ as .*/, '')} primary key, queue text not null, state smallint not null, created_at timestamptz not null,
      ended_at timestamptz, tenant text, args jsonb not null
    );
    create index on app.work (ended_at);
    insert into app.work
    select ${id.replace(/.* as /, '')}, names[1 + i % 2], case when old then 2 else 0 end, now() - interval '50 days',
      case when old then now() - interval '40 days' end, 'tenant ' || i % 100, '{}'
    from (${rows}) as filled`)
}

async function fillPgBoss(sql: postgres.Sql): Promise<void> {
  const place = { sql, version: 46 } as const
  await makePgBoss(place)
  for (const name of queues) await makeQueue(place, name)
  await sql.unsafe(`
    insert into pgboss.job (name, state, group_id, created_on, start_after, completed_on, keep_until)
    select names[1 + i % 2], case when old then 'completed' else 'created' end::pgboss.job_state, 'tenant ' || i % 100,
      now() - interval '50 days', now() - interval '50 days', case when old then now() - interval '40 days' end, now() + interval '1 day'
    from (${rows}) as filled`)
}

const Answer = z.looseObject({ operation_id: z.number() })

const engines = [
  { engine: 'pg-boss', table: 'pgboss.job', archive: 'pgboss_archive', key: 'id', fill: fillPgBoss },
  ...sampled(
    ['bigint as i', `text as 'job/' || i || ' 100%'`, `text collate "C" as 'k' || i`, 'uuid as gen_random_uuid()'],
    1,
  ).map((key) => ({ engine: 'mapped', table: 'app.work', archive: 'mapped_archive', key, fill: makeMapped(key) })),
]

describe('jobs of an engine whose keys are in our tables', () => {
  it.each(engines)('are found by an index: $engine, $key', async ({ engine, table, archive, fill }) => {
    const database = await emptyDatabase()
    const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await fill(sql)
    await sql`vacuum (analyze)`
    const env = { ...database.env, ...(engine === 'mapped' && { JOBS_MAP_FILE: await mapFile(map(table)) }) }
    expect(await runServer(['migrate', '--engine', engine], env)).toMatchObject({ code: 0 })
    const [domain = ''] = table.split('.')
    /** How many pages of the tables of the engine and of their indexes have been read, in the cache or not. */
    const pages = async (): Promise<number> => {
      await sql`select pg_stat_clear_snapshot()`
      const [row] = await sql<[{ pages: number }]>`
        select sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0))::int as pages
        from pg_statio_user_tables
        where schemaname = ${domain}`
      return row.pages
    }
    const rowsOfArchive = async (): Promise<number> => {
      await sql`select pg_stat_clear_snapshot()`
      const [row] = await sql<[{ rows: number }]>`
        select (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as rows
        from pg_stat_user_tables
        where schemaname = 'jobsctl' and relname = ${archive}`
      return row.rows
    }
    const serve = async (
      background: boolean,
      act: (post: (path: string, body: object) => Promise<number>) => unknown,
    ) => {
      const server = await startServer({ ...env, SINGLE_USER_API_KEY: 'key', JOBS_BACKGROUND: String(background) })
      await server.prepared
      await act(async (path, body) => {
        const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
        const answer = await call({ url: server.url, method: 'POST', path: `/api/v1/jobs/${path}`, headers, body })
        expect(answer, path).toMatchObject({ status: expect.toBeOneOf([200, 201]) })
        return Answer.safeParse(answer.body).data?.operation_id ?? 0
      })
      // A connection that ends reports what it has read.
      await server.stop()
    }
    const ofJobs = { before: 0, after: 0 }
    await serve(false, async (post) => {
      await post('prune', { domain, statuses: ['completed'], older_than_days: 30 })
      await post('batch/cancel', { domain, all: true, queue: 'mail' })
      await sql`analyze`
    })
    ofJobs.before = await pages()
    await serve(false, async (post) => {
      await post('erase', { domain, owner_user_id: 'tenant 3' })
      await post('erase', { domain, owner_user_id: 'tenant 4' })
    })
    ofJobs.after = await pages()
    const [left] = await sql<[{ archived: number; images: number }]>`
      select (select count(*)::int from jobsctl.${sql(archive)}) as archived,
        (select count(*)::int from jobsctl.job_operation_rows) as images`
    // Tenant 3 is of the odd queue, whose jobs were not cancelled.
    expect(left).toEqual({ archived: jobs / 2 - erased, images: jobs / 4 - erased / 2 })
    const pagesRead = ofJobs.after - ofJobs.before
    expect({ pagesRead, isBounded: pagesRead < 20_000 }).toEqual({ pagesRead, isBounded: true })

    const hold = { owner_user_id: 'tenant 8', until: new Date(Date.now() + 86_400_000).toISOString() }
    await serve(false, (post) => post('holds', { domain, ...hold }))
    await sql`update jobsctl.${sql(archive)} set archived_at = now() - interval '30 days'`
    await sql`update jobsctl.job_operations set ended_at = now() - interval '30 days'`
    await sql`vacuum (analyze)`
    const before = await rowsOfArchive()
    await serve(true, () =>
      // The images go after the archive.
      until('of the images are left those that the hold keeps', async () => {
        const [row] = await sql<[{ images: number }]>`select count(*)::int as images from jobsctl.job_operation_rows`
        return row.images === jobs / 200
      }),
    )
    const read = (await rowsOfArchive()) - before
    expect({ read, isBounded: read < 6 * (jobs / 2) }).toEqual({ read, isBounded: true })
    expect([...(await sql`select count(*)::int as archived from jobsctl.${sql(archive)}`)]).toEqual([
      { archived: jobs / 200 },
    ])
    await sql.end()
    await database.drop()
  })
})
