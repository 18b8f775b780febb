import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'

const map = `table: app.jobs
key: id
queue: mail
owner: {column: owner}
status: {column: state, map: {waits: queued, runs: processing, done: completed, dead: failed}}
times: {created: created_at, ended: ended_at}
prune: {of: [completed, failed]}
retry: {set: {state: waits}}
`
const Operation = z.looseObject({ operation_id: z.number() })

describe('an erasure over a mapped table', () => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    const fill = async (made: postgres.Sql) => {
      sql = made
      await sql.unsafe(`
        create schema app;
        create table app.jobs (id bigint primary key, state text, owner text, created_at timestamptz, ended_at timestamptz);
        insert into app.jobs
        select n, case when n % 2 = 0 then 'dead' else 'done' end, case when n % 4 < 2 then 'ann' else 'bob' end,
          now() - interval '40 days', now() - interval '35 days' + n * interval '1 second'
        from generate_series(1, 16) as n`)
    }
    served = await serveMapped(map, fill)
  })
  afterAll(() => served.close())

  it('counts once a job that has events and an archived copy, as its preview does', async () => {
    const { operation_id: retry } = Operation.parse((await served.post('retry-now', { domain: 'app' })).body)
    expect(await served.post(`operations/${retry}/undo`, {})).toMatchObject({ body: { affected: 8 } })
    // The undo holds the jobs that it gave back.
    await sql`update jobsctl.jobsctl_holds set until = now()`
    const prune = { domain: 'app', statuses: ['failed'], older_than_days: 30 }
    expect(await served.post('prune', prune)).toMatchObject({ body: { deleted: 8 } })
    const ann = { domain: 'app', owner_user_id: 'ann' }
    expect(await served.post('erase', { ...ann, dry_run: true })).toMatchObject({ body: { preview: { count: 8 } } })
    const env = { JOBSCTL_URL: served.url, JOBSCTL_API_KEY: 'key' }
    const { code, out } = await runJobsctl(['erase', '--domain', 'app', '--owner', 'ann', '--yes', '--json'], { env })
    expect({ code, answer: JSON.parse(out) }).toMatchObject({
      code: 0,
      answer: { affected: 8, erased: { jobs: 4, archived: 4, gone: 0, events: 8 } },
    })
    const [left] = await sql`select count(*)::int as count from jobsctl.job_events where owner_user_id = 'ann'`
    expect(left?.count).toBe(0)
  })
})
