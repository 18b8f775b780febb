import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import type { Running } from '../../../server/start.ts'
import { pruning } from '../../support/changes/policy.ts'
import { catalogueOf } from '../../support/database/catalogue.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { hasDeployment, loadDeployment } from '../../support/database/existing-deployment.ts'
import { type Answer, call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { rowsOfAllKinds } from '../../support/replay/reads.ts'

if (!hasDeployment) process.stderr.write('skipped: no existing-deployment.sql.gz; set SHARED_DIR to its folder\n')

/** Tables that lack columns, in partitions, with things of their own that only look like ours. */
const ofAnother = `
  create table jobs (id integer generated always as identity, domain text not null, queue text not null, job_type text not null,
    status text not null, "Their note" varchar(20) default 'x', idempotency_key text, primary key (id, domain)) partition by list (domain);
  create table jobs_d partition of jobs for values in ('d');
  create table jobs_others partition of jobs default;
  create index jobsctlish on jobs (queue);
  create view their_jobs as select id, status from jobs;
  create function touch() returns trigger language plpgsql as $$begin return new; end$$;
  create trigger touched before insert on jobs for each row execute function touch();
  alter table jobs enable row level security;
  create policy everybody on jobs using (true) with check (true);
  create table job_dependencies (job_uuid text, depends_on_job_uuid text, weight integer check (weight > 0));
  comment on table job_dependencies is 'theirs';
  create table jobs_archive (id integer, domain text, archived_at timestamptz);
  insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'queued'), ('e', 'q', 't', 'completed')`

const plain = `
  create table jobs (id serial primary key, uuid text unique, domain text not null, queue text not null, job_type text not null,
    status text not null, idempotency_key text, updated_at timestamptz default now(), "Their note" varchar(20) default 'x');
  create unique index idx_jobs_idempotent_unique on jobs (domain, idempotency_key);
  create index theirs on jobs (status) where status = 'queued';
  create table job_events (id bigserial primary key, job_id integer, event_type text not null);
  create publication everything for all tables`

describe('jobs-server uninstall', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Running | undefined
  beforeEach(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 2, onnotice: () => {} })
  })
  afterEach(async () => {
    await stop()
    await sql.end()
    await database.drop()
  })

  const stop = async () => {
    await server?.stop()
    server = undefined
  }
  /** A server that has made all that it ever makes, and rows of each kind: tokens, policy, holds, plans, records, archive, history. */
  async function use(): Promise<void> {
    const env = { ...database.env, AUTH_MODE: 'multi_user', JOBS_HISTORY: 'on' }
    const { out } = await runServer(['token', 'create', 'ann', '--role', 'admin'], env)
    server = await startServer(env)
    await server.prepared
    const { url } = server
    const headers = { authorization: `Bearer ${out.trim()}`, 'x-confirm': 'true', 'x-reason': 'a test' }
    const send = (method: string, path: string, body?: unknown): Promise<Answer> =>
      call({ url, method, path: `/api/v1/jobs${path}`, body, headers })
    await until('the history is kept', async () => {
      const [row] = await sql`select from jobsctl_history where until > now()`
      return row
    })
    const job = { domain: 'ours', queue: 'q', job_type: 't', payload: {}, idempotency_key: 'k' }
    // A table with partitions has no unique index without their key, so that nothing is enqueued.
    await send('POST', '', job)
    await sql`
      insert into jobs (domain, queue, job_type, status, completed_at)
      values ('ours', 'q', 't', 'failed', now() - interval '90 days')`
    const { revision } = z.object({ revision: z.number() }).parse((await send('GET', '/policy')).body)
    const answers = [
      await send('POST', '/policy', { rules: [pruning()], revision }),
      await send('POST', '/queue/control', { domain: 'ours', queue: 'q', action: 'pause' }),
      await send('POST', '/prune', { domain: 'ours' }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  }
  const script = async () => {
    const { code, out, err } = await runServer(['uninstall', '--dry-run'], database.env)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    return out
  }
  /** Runs a script on a connection of its own, as psql does. */
  const inPsql = (text: string) => {
    const session = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    return session.unsafe(text).finally(() => session.end())
  }
  /** The rows of all tables that were there, of the columns that they had. */
  const rowsOf = async (columns: readonly { table: string; list: string }[]) =>
    Promise.all(
      columns.map(async ({ table, list }) => [
        table,
        ...(await sql.unsafe(`select ${list} from ${table} where domain <> 'ours' order by 1, 2`)),
      ]),
    )
  const columns = () => sql<{ table: string; list: string }[]>`
    select attrelid::regclass::text as table, string_agg(quote_ident(attname), ', ' order by attnum) as list
    from pg_attribute
    join pg_class on pg_class.oid = attrelid
    where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and attnum > 0 and not attisdropped
    group by attrelid
    having bool_or(attname = 'domain')
    order by 1`

  it.each([
    ['a real deployment', undefined],
    ['plain tables, some of which are missing', plain],
    ['partitions, and tables that lack most columns', ofAnother],
  ])('prints SQL that leaves %s as it was, row by row and in the whole catalogue', async (_, tables) => {
    if (tables === undefined && !hasDeployment) return
    await (tables === undefined ? loadDeployment(sql) : sql.unsafe(tables))
    const before = { catalogue: await catalogueOf(sql), columns: await columns() }
    const rows = await rowsOf(before.columns)
    await use()
    const listed = await runServer(['schema'], database.env)
    expect(listed.out).toContain('table\t\tjobs\tthere\tanother program\tpostgres')
    await stop()
    await inPsql(await script())
    expect(await catalogueOf(sql)).toEqual(before.catalogue)
    expect(await rowsOf(before.columns)).toEqual(rows)

    expect(await runServer(['uninstall'], database.env)).toMatchObject({
      code: 0,
      out: '',
      err: expect.stringContaining('no server has made anything'),
    })
    if (tables === plain) await use()
  })

  it('knows what was there where psql has made the tables, in a schema with another name', async () => {
    await sql`create schema "Two, words"`
    await sql.end()
    const url = database.env.JOBS_DB_URL ?? ''
    sql = postgres(url, { max: 2, onnotice: () => {}, connection: { search_path: '"Two, words"' } })
    await sql.unsafe(plain)
    const before = await catalogueOf(sql)
    database.env.JOBS_DB_SCHEMA = 'Two, words'
    const { out } = await runServer(['migrate', '--dry-run'], database.env)
    const session = postgres(url, { max: 1, onnotice: () => {} })
    // psql sends each statement alone, which an index needs that is built beside writers.
    for (const part of out.split(/^(?=-- (?:\d{4}_|triggers|jobsctl_migrations))/m))
      for (const statement of part.includes('index concurrently') ? part.split(/(?<=;\n)/) : [part])
        await session.unsafe(statement)
    await session.end()
    await use()
    await stop()
    await inPsql(await script())
    expect(await catalogueOf(sql)).toEqual(before)
  })

  it('leaves a column that the newer version of the other program has come to use, and takes it out of every other database', async () => {
    await sql.unsafe(plain)
    await use()
    await stop()
    const dropped = /^alter table jobs(_archive)? drop column quarantine_threshold;$/gm
    const kept = /^-- alter table jobs drop column quarantine_threshold;$/m
    const before = await script()
    // The archive is one of the tables that were not there.
    expect(before.match(dropped)).toHaveLength(1)
    expect(before).not.toMatch(kept)
    // As its migration does.
    await sql.unsafe(`
      alter table jobs add column if not exists expired_lease_policy text not null default 'consume_retry';
      alter table jobs add column if not exists quarantine_threshold integer;
      update jobs set quarantine_threshold = 7`)
    const after = await script()
    expect(after.match(dropped)).toBeNull()
    expect(after).toMatch(kept)
    await inPsql(after)
    expect(await sql`select distinct quarantine_threshold as own from jobs`).toEqual([{ own: 7 }])
  })

  it('leaves the tables of jobs that a server has made, and shows the lines that would take them out', async () => {
    const before = await catalogueOf(sql)
    await use()
    await sql.unsafe(rowsOfAllKinds)
    await stop()
    const printed = await script()
    await inPsql(printed)
    expect(await sql`select count(*)::int as n from jobs`).toEqual([{ n: 7 }])
    expect((await catalogueOf(sql)).filter((line) => line.includes('jobsctl'))).toEqual([])
    await sql`update jobs set priority = 1`
    await sql.unsafe(
      printed
        .split('\n')
        .flatMap((line) => /^-- (drop table \w+;)/.exec(line)?.[1] ?? [])
        .join('\n'),
    )
    expect(await catalogueOf(sql)).toEqual(before)
  })

  it('prints SQL that changes nothing while a server runs, or where something of another program needs what it takes out', async () => {
    await sql.unsafe(plain)
    await use()
    const made = await catalogueOf(sql)
    const printed = await script()
    await expect(inPsql(printed)).rejects.toThrow('stop all of them first; nothing was changed')
    await stop()
    await sql`create view theirs_on_ours as select lease_id from jobs`
    await expect(inPsql(await script())).rejects.toThrow('depend on it')
    await sql`drop view theirs_on_ours`
    expect((await catalogueOf(sql)).toSorted()).toEqual(made)
  })

  it('is refused for the embedded database, where nothing is of another program', async () => {
    const { JOBS_DATA_DIR = '' } = database.env
    expect(await runServer(['uninstall'], { JOBS_DATA_DIR })).toMatchObject({
      code: 2,
      err: expect.stringContaining(JOBS_DATA_DIR),
    })
  })
})
