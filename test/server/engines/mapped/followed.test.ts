import type postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'
import { call } from '../../../support/http.ts'
import { startServer } from '../../../support/programs/built.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'

const mapOf = (table: string) => `  - table: app.${table}
    domain: ${table}
    key: id
    queue: mail
    status: {column: state, map: {waits: queued, broke: failed}}
    times: {created: created_at}
    retry: {set: {state: waits}}
`

let served: ServedTables
let sql: postgres.Sql
beforeAll(async () => {
  const fill = async (made: postgres.Sql) => {
    sql = made
    await sql.unsafe(`
      create schema app;
      create table app.jobs (id bigint primary key, state text, created_at timestamptz default now(), unique (id, state));
      create table app.calls (like app.jobs including all);
      insert into app.jobs (id, state) select n, 'broke' from generate_series(1, 3) as n;
      insert into app.calls (id, state) select id, state from app.jobs;
      create table app.states (job_id bigint, state text, foreign key (job_id, state) references app.jobs (id, state) on update set null);
      insert into app.states select id, state from app.jobs;
      create table app.notes (job_id bigint references app.calls on update cascade);
      insert into app.notes select id from app.calls`)
  }
  served = await serveMapped(`tables:\n${mapOf('jobs')}${mapOf('calls')}`, fill)
})
afterAll(() => served.close())

it('no change is made of a column that rows of another table follow, and init --check says so', async () => {
  const { status, body } = await served.post('batch/retry', { domain: 'jobs', queue: 'mail' })
  const why = 'rows of app.states follow the column state of app.jobs by a foreign key with on update'
  expect({ status, body }).toMatchObject({ status: 422, body: { detail: expect.stringContaining(why) } })
  expect((await sql`select from app.states where state = 'broke'`).count).toBe(3)
  expect((await runServer(['init', '--check'], served.env)).out).toContain(why)
})

it('a key that follows the id alone keeps no change away, since no change sets an id', async () => {
  expect(await served.post('batch/retry', { domain: 'calls', queue: 'mail' })).toMatchObject({
    status: 200,
    body: { affected: 3 },
  })
})

it('no change is made once row-level security hides rows, from the moment on', async () => {
  const role = `app_${process.pid}`
  await sql.unsafe(`
    create role ${role} login;
    alter schema app owner to ${role}; alter table app.jobs owner to ${role}; alter table app.states owner to ${role};
    alter table app.calls owner to ${role}; alter schema jobsctl owner to ${role};
    grant usage on schema jobsctl to ${role}; grant all on all tables in schema jobsctl to ${role};
    grant all on all sequences in schema jobsctl to ${role}`)
  const url = new URL(served.env.JOBS_DB_URL ?? '')
  url.username = role
  const server = await startServer({ ...served.env, JOBS_DB_URL: url.href })
  await server.prepared
  await sql.unsafe(`
    update app.calls set state = 'broke';
    alter table app.calls enable row level security, force row level security;
    create policy low on app.calls using (id < 3)`)
  const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
  const body = { domain: 'calls', queue: 'mail' }
  const { status } = await call({ url: server.url, headers, method: 'POST', path: '/api/v1/jobs/batch/retry', body })
  expect({ status, retried: (await sql`select from app.calls where state = 'waits'`).count }).toEqual({
    ...{ status: 409, retried: 0 },
  })
  await server.stop()
  await sql.unsafe(`reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`)
})
