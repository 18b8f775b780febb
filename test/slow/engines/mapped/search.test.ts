import postgres from 'postgres'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase } from '../../../support/database/database.ts'
import { mapFile } from '../../../support/engines/mapped.ts'
import { recordStatements } from '../../../support/fakes/recorded-statements.ts'
import { call } from '../../../support/http.ts'
import { startServer } from '../../../support/programs/built.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'

const map = `table: app.jobs
key: id
queue: {column: queue}
job_type: {column: kind}
status: {column: state, map: {waits: queued, runs: processing, done: completed, dead: failed}}
times: {created: created_at, ended: ended_at}
prune: {of: [completed, failed]}
`
const table = (kind: string) => `create table app.jobs
  (id bigint primary key, queue text, kind ${kind}, state text, created_at timestamptz default now() - interval '40 days', ended_at timestamptz)`
const Pruned = z.looseObject({ deleted: z.number() })

/** Prunes jobs that ended 30 days ago, and returns what the server has asked for, and how many entries of the index it has read. */
async function prune(schema: string, narrowed: object) {
  const database = await emptyDatabase()
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  const recorder = await recordStatements(database.env.JOBS_DB_URL ?? '')
  try {
    await sql.unsafe(`create schema app; ${schema}; analyze app.jobs`)
    const env = {
      ...database.env,
      SINGLE_USER_API_KEY: 'key',
      JOBS_MAP_FILE: await mapFile(map),
      JOBS_BACKGROUND: 'false',
    }
    expect(await runServer(['migrate', '--engine', 'mapped'], env)).toMatchObject({ code: 0 })
    const server = await startServer({ ...env, JOBS_DB_URL: recorder.url })
    const body = { domain: 'app', statuses: ['completed'], older_than_days: 30, ...narrowed }
    const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
    await server.prepared
    const answer = await call({ url: server.url, method: 'POST', path: '/api/v1/jobs/prune', headers, body })
    const pids = (await sql`select pid from pg_stat_activity where datname = current_database()`).map(({ pid }) => pid)
    // A connection that ends reports what it has read.
    await server.stop()
    expect(answer).toMatchObject({ status: 200 })
    await expect
      .poll(() => sql`select from pg_stat_activity where pid = any(${pids}) and pid <> pg_backend_pid()`, {
        timeout: 60_000,
      })
      .toHaveLength(0)
    const [{ read }] = await sql<[{ read: number }]>`
      select idx_tup_read::int as read from pg_stat_user_indexes where indexrelname = 'ends'`
    const left = await sql<{ id: string }[]>`
      select id from app.jobs where ended_at < now() - interval '30 days' or ended_at = 'infinity' order by id`
    const asksForRanges = recorder.statements().some((text) => text.includes('max(time)::text as end'))
    return { deleted: Pruned.parse(answer.body).deleted, left: left.map(({ id }) => Number(id)), read, asksForRanges }
  } finally {
    await recorder.stop()
    await sql.end()
    await database.drop()
  }
}

describe('the search of a prune of a mapped table', () => {
  it('reads the index of the ends up to the bound, and not the younger jobs', async () => {
    const { read, ...others } = await prune(
      `${table('text')};
      insert into app.jobs
      select n, 'mail', 'send', 'done', now() - interval '40 days',
        case when n = 1 then '-infinity' when n = 2 then 'infinity' when n <= 602 then now() - n * interval '1 day' else now() end
      from generate_series(1, 20602) as n;
      update app.jobs set ended_at = now() - interval '50 days' where id between 3 and 40;
      create index ends on app.jobs (ended_at)`,
      {},
    )
    expect(others).toEqual({ deleted: 601, left: [2], asksForRanges: true })
    expect(read).toBeGreaterThan(600)
    expect(read).toBeLessThan(10_000)
  })

  it('goes on by keys where the index has no job of the filter for 250 ms', async () => {
    const jobs = 900
    const { read, ...others } = await prune(
      // Each look at a type takes 1 ms at least.
      `create type app.slow as (name text);
      create function app.slow_text(app.slow) returns text language plpgsql stable as
        $$ begin perform pg_sleep(0.001); return ($1).name; end $$;
      create cast (app.slow as text) with function app.slow_text(app.slow);
      ${table('app.slow')};
      insert into app.jobs
      select n, 'mail', row(case when n > ${jobs - 3} then 'rare' else 'often' end)::app.slow, 'done', now() - interval '40 days',
        now() - interval '40 days' + n * interval '1 second'
      from generate_series(1, ${jobs}) as n;
      create index ends on app.jobs (ended_at)`,
      { job_type: 'rare' },
    )
    expect({ ...others, left: others.left.length }).toEqual({ deleted: 3, left: jobs - 3, asksForRanges: true })
    expect(read).toBeLessThan(jobs / 2)
  })

  it('asks for no ranges of an index that lacks jobs', async () => {
    const { deleted, asksForRanges } = await prune(
      `${table('text')};
      insert into app.jobs values (1, 'mail', 'send', 'done', default, now() - interval '31 days');
      create index ends on app.jobs (ended_at) where state = 'dead'`,
      {},
    )
    expect({ deleted, asksForRanges }).toEqual({ deleted: 1, asksForRanges: false })
  })
})
