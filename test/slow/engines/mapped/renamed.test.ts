import postgres from 'postgres'
import { expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import { emptyDatabase } from '../../../support/database/database.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../../support/engines/mapped.ts'
import { call } from '../../../support/http.ts'
import { startServer } from '../../../support/programs/built.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'

const person = 'ann-lee-4711'
const Left = z.looseObject({
  affected: z.number(),
  copies_left: z.array(z.object({ table: z.string(), rows: z.number() })).default([]),
})

/** A table with copies of the jobs of a person: 6 in the archive, and 3 jobs that were retried. */
async function openRenamed() {
  const database = await emptyDatabase()
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  onTestFinished(async () => {
    await sql.end()
    await database.drop()
  })
  await makeEmailJobs(sql, 'uuid')
  await fillEmailJobs(sql, 60)
  await sql`update app.email_jobs set updated_at = updated_at - interval '9 days'`
  await sql`update app.email_jobs set tenant = ${person} where id in (select id from app.email_jobs where state = 2 order by id limit 6)`
  await sql`update app.email_jobs set tenant = ${person} where id in (select id from app.email_jobs where state = 3 order by id limit 3)`
  /** Serves the table of a map until the work is done. */
  const serve = async (map: string, work: (url: string) => Promise<void>) => {
    const env = { ...database.env, SINGLE_USER_API_KEY: 'key', JOBS_MAP_FILE: await mapFile(map) }
    expect(await runServer(['migrate', '--engine', 'mapped'], env)).toMatchObject({ code: 0 })
    const server = await startServer(env)
    try {
      await server.prepared
      await work(server.url)
    } finally {
      await server.stop()
    }
  }
  await serve(emailMap, async (url) => {
    for (const [path, body] of [
      ['prune', { older_than_days: 1, statuses: ['completed'], domain: 'app' }],
      ['retry-now', { only_failed: true, domain: 'app' }],
    ] as const)
      expect([path, await post(url, path, body)]).toMatchObject([path, { status: 200 }])
  })
  return { sql, serve }
}

const post = (url: string, path: string, body: object) =>
  call({
    url,
    method: 'POST',
    path: `/api/v1/jobs/${path}`,
    headers: { 'x-api-key': 'key', 'x-confirm': 'true' },
    body,
  })

const erasure = { owner_user_id: person }
const jobsctl = (url: string, ...argv: string[]) =>
  runJobsctl(argv, { env: { JOBSCTL_URL: url, JOBSCTL_API_KEY: 'key' } })

it.each([
  ['another name', 'alter table app.email_jobs rename to mails', 'app.mails'],
  ['another schema', 'create schema post; alter table app.email_jobs set schema post', 'post.email_jobs'],
])('an erasure says which copies it leaves of a table that has %s now', async (_, rename, table) => {
  const { sql, serve } = await openRenamed()
  await sql.unsafe(rename)
  await serve(emailMap.replace('app.email_jobs', table), async (url) => {
    const left = [{ table: 'app.email_jobs', rows: 6 }]
    expect(Left.parse((await post(url, 'erase', { ...erasure, dry_run: true })).body)).toMatchObject({
      affected: 3,
      copies_left: left,
    })
    const erased = await jobsctl(url, 'erase', '--owner', person, '--yes')
    expect(erased).toMatchObject({
      code: 9,
      err: expect.stringContaining('6 copies of jobs of app.email_jobs, which this server does not serve'),
    })
    const again = await jobsctl(url, 'erase', '--owner', person, '--yes')
    expect(again).toMatchObject({ code: 6, err: expect.stringMatching(/6 copies .*; nothing was changed/) })
    expect(Left.parse((await post(url, 'erase', { owner_user_id: 'nobody', dry_run: true })).body).copies_left).toEqual(
      [],
    )
  })
})

it('an erasure finds the copies of a table whose name a new table has, and leaves none', async () => {
  const { sql, serve } = await openRenamed()
  await sql`alter table app.email_jobs rename to old_jobs`
  await sql`create table app.email_jobs (like app.old_jobs including all)`
  await serve(emailMap, async (url) => {
    const { body } = await post(url, 'erase', erasure)
    expect(Left.parse(body)).toMatchObject({ affected: 9, copies_left: [] })
    const [{ rows }] = await sql<[{ rows: number }]>`
      select count(*)::int as rows
      from (select row::text from jobsctl.mapped_archive union all select (before || after)::text from jobsctl.job_operation_rows) as kept (text)
      where text ~ ${person}`
    expect(rows).toBe(0)
  })
})

it.each([
  ['owner', 'tenant', ['--owner', person]],
  ['payload', 'args', ['--payload', 'person=ann-lee-4711']],
])('an erasure says which copies it leaves whose column of the %s has another name now', async (_, column, filter) => {
  const { sql, serve } = await openRenamed()
  await sql`update jobsctl.mapped_archive set row = jsonb_set(row, '{args,person}', to_jsonb(${person}::text)) where row ->> 'tenant' = ${person}`
  await sql`alter table app.email_jobs rename column ${sql(column)} to renamed`
  await serve(emailMap.replace(`{column: ${column}}`, '{column: renamed}'), async (url) => {
    const erased = await jobsctl(url, 'erase', ...filter, '--copies-only', '--yes')
    expect(erased).toMatchObject({
      code: 6,
      err: expect.stringMatching(
        /6 copies of jobs of app.email_jobs, .* had another name then, .*; nothing was changed/,
      ),
    })
  })
})

it('an erasure counts the copies of an engine that is not served any more, in the archive of that engine', async () => {
  const { sql, serve } = await openRenamed()
  // The archive of another engine, with a job that the server of that time deleted.
  await sql`create table jobsctl.pgboss_archive (operation_id bigint, job_schema text, id uuid, group_id text)`
  await sql`create table jobsctl.orders_archive (id bigint)`
  await sql`
    with made as (
      insert into jobsctl.jobsctl_operation_terms
      select (jsonb_populate_record(terms, '{"operation_id": 77, "place": "pgboss.job"}')).* from jobsctl.jobsctl_operation_terms as terms limit 1
    )
    insert into jobsctl.pgboss_archive values (77, 'pgboss', gen_random_uuid(), ${person})`
  await serve(emailMap, async (url) => {
    const { body } = await post(url, 'erase', { ...erasure, dry_run: true })
    expect(Left.parse(body).copies_left).toEqual([{ table: 'pgboss.job', rows: 1 }])
  })
})
