import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fillPgBoss, makePgBoss } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveMapped, serveTables } from '../../support/engines/serve-tables.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const map = `table: app.jobs
key: id
queue: mail
status: {column: state, map: {waits: queued, done: completed}}
times: {created: created_at, ended: created_at}
prune: {of: [completed]}
`

const twenty = `insert into app.jobs select n, 'done', '2020-01-01Z' from generate_series(1, 20) as n`

describe('a mapped table of which rows refer to one partition', () => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    const fill = async (made: postgres.Sql) => {
      sql = made
      await sql.unsafe(`
        create schema app;
        create table app.jobs (id bigint primary key, state text, created_at timestamptz) partition by range (id);
        create table app.jobs_low partition of app.jobs for values from (0) to (100);
        ${twenty};
        create table app.logs (job_id bigint);
        insert into app.logs select id from app.jobs`)
    }
    served = await serveMapped(map, fill)
  })
  afterAll(() => served.close())

  const prune = async () => {
    const { status } = await served.post('prune', { domain: 'app', older_than_days: 1 })
    return { status, jobs: (await sql`select from app.jobs`).count, logs: (await sql`select from app.logs`).count }
  }

  it('is pruned though a program has added a partition', async () => {
    await sql`create table app.jobs_high partition of app.jobs for values from (100) to (200)`
    expect(await prune()).toEqual({ status: 200, jobs: 0, logs: 20 })
  })

  it('is changed no more once they refer to it, and init --check gives no prune', async () => {
    await sql.unsafe(
      `${twenty}; alter table app.logs add foreign key (job_id) references app.jobs_low on delete cascade`,
    )
    expect(await prune()).toEqual({ status: 409, jobs: 20, logs: 20 })
    const { out } = await runServer(['init', '--check'], served.env)
    expect(out).toContain('prune: no, rows of app.logs refer to jobs by a foreign key')
  })
})

it('a prune of pg-boss names the rows that refer to one partition of its table', async () => {
  const served = await serveTables(
    async (sql) => {
      await makePgBoss({ sql, version: 46 })
      await fillPgBoss({ sql, version: 46 })
      await sql.unsafe(`
        update pgboss.job set completed_on = '2020-01-01Z' where state = 'completed';
        create table notes (queue text, job uuid, foreign key (queue, job) references pgboss.job_common (name, id) on delete cascade);
        insert into notes select name, id from pgboss.job_common`)
    },
    { records: 'pg-boss' },
  )
  const notes = async () => (await served.sql`select from notes`).count
  const before = await notes()
  const { status, body } = await served.post('prune', { domain: 'pgboss', older_than_days: 1 })
  expect({ status, body, left: await notes() }).toMatchObject({
    status: 409,
    body: { code: 'foreign_rows', detail: expect.stringContaining('public.notes') },
    left: before,
  })
  await served.close()
})
