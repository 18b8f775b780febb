import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { mapFile } from '../../../support/engines/mapped.ts'
import { type ServedTables, serveMapped, serveTables } from '../../../support/engines/serve-tables.ts'
import { call } from '../../../support/http.ts'
import { startServer } from '../../../support/programs/built.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'

const map = `table: app.jobs
key: id
queue: mail
status: {column: state, map: {waits: queued, done: completed, dead: failed}}
times: {created: created_at, ended: ended_at}
retry: {set: {state: waits, ended_at: null}}
prune: {of: [completed, failed]}
`
/** Twenty jobs that have ended long ago. */
const twentyDone = `
  insert into app.jobs select n, 'done', now() - interval '40 days', now() - interval '35 days' from generate_series(1, 20) as n`
const request = { domain: 'app', statuses: ['completed'], older_than_days: 30 }

/** A row of a child table may lie at the same place as a row of its parent. */
describe('a mapped table from which others inherit', () => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    const fill = async (made: postgres.Sql) => {
      sql = made
      await sql.unsafe(`
        create schema app;
        create table app.jobs (id bigint primary key, state text, created_at timestamptz, ended_at timestamptz);
        ${twentyDone}`)
    }
    served = await serveMapped(map, fill)
  })
  afterAll(() => served.close())

  const waiting = async () => (await sql`select from app.jobs_kept`).count

  it('loses no row of a child that was made since the server started', async () => {
    await sql.unsafe(`
      create table app.jobs_kept (primary key (id)) inherits (app.jobs);
      insert into app.jobs_kept select n, 'waits', now(), null from generate_series(101, 120) as n`)
    const { status, body } = await served.post('prune', request)
    expect({ status, body, left: await waiting() }).toMatchObject({ status: 409, left: 20 })
  })

  it('is only looked at by a server that starts then, which says why', async () => {
    const { code, out } = await runServer(['init', '--check'], served.env)
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringContaining('app.jobs_kept inherits from app.jobs'),
    })
    const server = await startServer(served.env)
    await server.prepared
    const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
    const { status, body } = await call({
      url: server.url,
      headers,
      method: 'POST',
      path: '/api/v1/jobs/prune',
      body: request,
    })
    await server.stop()
    expect({ status, body, left: await waiting() }).toMatchObject({ status: 422, left: 20 })
  })
})

const Pruned = z.looseObject({ deleted: z.literal(20), operation_id: z.number() })

describe('a mapped table whose state is a domain over an enum, and whose trigger keeps rows out', () => {
  let served: ServedTables
  beforeAll(async () => {
    const fill = (made: postgres.Sql) =>
      made.unsafe(`
        create schema app;
        create type app.word as enum ('waits', 'done', 'dead');
        create domain app.state as app.word;
        create table app.jobs (id bigint primary key, state app.state, created_at timestamptz, ended_at timestamptz);
        ${twentyDone};
        create function app.veto() returns trigger language plpgsql as 'begin return case when new.id > 15 then null else new end; end';
        create trigger veto before insert on app.jobs for each row execute function app.veto()`)
    served = await serveMapped(map, fill)
  })
  afterAll(() => served.close())

  it('is pruned, and an undo says that a trigger may be why a job stays away', async () => {
    const { operation_id } = Pruned.parse((await served.post('prune', request)).body)
    const { status, body } = await served.post(`operations/${operation_id}/undo`, {})
    const conflict_reasons = [{ reason: expect.stringContaining('a trigger keeps it out'), count: 5 }]
    expect({ status, body }).toMatchObject({ status: 200, body: { affected: 15, conflict_reasons } })
  })
})

describe('a mapped table whose triggers keep rows as they are', () => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    const fill = async (made: postgres.Sql) => {
      sql = made
      await sql.unsafe(`
        create schema app;
        create table app.jobs (id bigint primary key, state text, created_at timestamptz, ended_at timestamptz, deleted_at timestamptz, owner text default 'ann', run_after timestamptz);
        ${twentyDone};
        insert into app.jobs select n, 'dead', now() - interval '40 days', now() - interval '35 days' from generate_series(21, 25) as n;
        insert into app.jobs select n, 'waits', now() - interval '1 day', null, null, 'bob', '2040-01-01Z' from generate_series(31, 40) as n;
        create function app.mark_deleted() returns trigger language plpgsql as
          'begin if old.id <= 15 then return old; end if; update app.jobs set deleted_at = now() where id = old.id; return null; end';
        create trigger "soft delete" before delete on app.jobs for each row execute function app.mark_deleted();
        create function app.keep() returns trigger language plpgsql as 'begin if old.state = new.state and (old.id <= 38 or old.run_after = new.run_after) then return new; end if; return null; end';
        create trigger keep before update on app.jobs for each row execute function app.keep()`)
    }
    served = await serveTables(fill, {
      records: 'mapped',
      env: {
        JOBS_MAP_FILE: await mapFile(`${map.replace('times: {', 'times: {due: run_after, ')}owner: {column: owner}\n`),
      },
    })
  })
  afterAll(() => served.close())

  const marked = async () => (await sql`select from app.jobs where deleted_at is not null`).count
  const left = async () => (await sql`select from app.jobs where state = 'done'`).count

  it('names the trigger that keeps jobs from being retried', async () => {
    const { status, body } = await served.post('batch/retry', { domain: 'app', status: 'failed' })
    expect({ status, body }).toMatchObject({
      status: 409,
      body: {
        code: 'conflict',
        detail: expect.stringMatching(
          /^app\.jobs keeps .* one of its triggers and rules \(keep\) lets no update .*nothing was changed$/,
        ),
      },
    })
  })

  it('moves no job twice beside jobs that a trigger keeps', async () => {
    const { status, body } = await served.post('batch/reschedule', { domain: 'app', by_seconds: 3600 })
    const [times] =
      await sql`select array_agg(distinct run_after::text) as moved from app.jobs where run_after > '2040-01-01Z'`
    const [moved] = await sql`select count(*)::int as jobs from app.jobs where run_after = '2040-01-01 01:00Z'`
    expect({ status, body, times, moved }).toMatchObject({
      status: 503,
      body: { code: 'partial' },
      times: { moved: { length: 1 } },
      moved: { jobs: 8 },
    })
  })

  it('prunes what a trigger lets go, and names it for the rest, of which no row is written', async () => {
    const { status, body } = await served.post('prune', request)
    expect({ status, body, left: await left(), marked: await marked() }).toMatchObject({
      status: 503,
      body: { code: 'partial', detail: expect.stringContaining('"soft delete"') },
      left: 5,
      marked: 0,
    })
  })

  it('never calls a job erased that the trigger has kept', async () => {
    const { status, body } = await served.post('erase', { domain: 'app', owner_user_id: 'ann' })
    expect({ status, body, marked: await marked() }).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('"soft delete"') },
      marked: 0,
    })
  })

  it('names the trigger that keeps jobs from an undo', async () => {
    const moved = await served.post('batch/reschedule', { domain: 'app', by_seconds: 60, ids: ['mail/31', 'mail/32'] })
    const { operation_id } = z.looseObject({ operation_id: z.number() }).parse(moved.body)
    await sql.unsafe(`create or replace function app.keep() returns trigger language plpgsql as
      'begin return case when old.id = 32 then null else new end; end'`)
    const { status, body } = await served.post(`operations/${operation_id}/undo`, {})
    expect({ status, body }).toMatchObject({
      status: 503,
      body: { code: 'partial', detail: expect.stringMatching(/\(keep\) lets no update .*; 1 job was changed/) },
    })
  })
})
