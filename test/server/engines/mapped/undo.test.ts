import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'
import { until } from '../../../support/poll.ts'

const map = `table: app.jobs
key: id
queue: mail
status: {column: state, map: {waits: queued, runs: processing, done: completed, dead: failed}}
times: {created: created_at, ended: ended_at}
prune: {of: [completed]}
`
const jobs = 400
const Pruned = z.looseObject({ deleted: z.literal(jobs), operation_id: z.number() })
const request = { domain: 'app', statuses: ['completed'], older_than_days: 30 }

describe('the undo of a prune of a mapped table whose text key has a collation of its own', () => {
  let served: ServedTables
  let sql: postgres.Sql
  let operation: number
  beforeAll(async () => {
    const fill = async (made: postgres.Sql) => {
      sql = made
      await sql.unsafe(`
        create schema app;
        create table app.jobs (id text collate "en-x-icu" primary key, state text, created_at timestamptz, ended_at timestamptz);
        insert into app.jobs
        select 'job' || 1000 + n, 'done', now() - interval '40 days', now() - interval '35 days' + n * interval '1 second'
        from generate_series(1, ${jobs}) as n;
        create table before as table app.jobs;
        -- An insertion waits while a test has this lock.
        create function app.wait() returns trigger language plpgsql as
          $$ begin perform pg_advisory_xact_lock_shared(4711); return new; end $$;
        create trigger wait before insert on app.jobs for each row execute function app.wait()`)
    }
    served = await serveMapped(map, fill)
    const { status, body } = await served.post('prune', request)
    expect({ status, body }).toMatchObject({ status: 200 })
    operation = Pruned.parse(body).operation_id
  })
  afterAll(() => served.close())

  const isWaiting = async () => {
    const waiting = await sql`
      select from pg_locks
      where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`
    return waiting.count > 0
  }

  it('gives back the jobs of its part, though others lie at their places since the search', async () => {
    await sql.unsafe('create index reversed on jobsctl.mapped_archive (native_id desc)')
    const ids = Array.from({ length: jobs / 2 }, (_, at) => `job${1001 + at}`)
    await sql`select pg_advisory_lock(4711)`
    const undone = served.post(`operations/${operation}/undo`, { ids: ids.map((id) => `mail/${id}`) })
    await until('the undo has found its jobs, and inserts them', isWaiting)
    // The insertion gives up its locks again and again, since it waits for a short time.
    await sql`cluster jobsctl.mapped_archive using reversed`
    await sql`select pg_advisory_unlock(4711)`
    const { status, body } = await undone
    expect({ status, body }).toMatchObject({ status: 200, body: { affected: ids.length } })
    const back = await sql<{ id: string }[]>`select id from app.jobs order by id collate "C"`
    expect(back.map(({ id }) => id)).toEqual(ids)
  })

  it('gives back the others, each row as it was', async () => {
    const { status, body } = await served.post(`operations/${operation}/undo`, {})
    expect({ status, body }).toMatchObject({ status: 200, body: { affected: jobs / 2 } })
    const different = await sql`(table before except table app.jobs) union all (table app.jobs except table before)`
    expect(different).toHaveLength(0)
  })
})
