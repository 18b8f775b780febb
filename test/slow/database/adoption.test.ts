import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Running } from '../../../server/start.ts'
import { deleteExpiredArchive } from '../../../server/undo/archive/archive-retention.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { hasDeployment, loadDeployment } from '../../support/database/existing-deployment.ts'
import { call } from '../../support/http.ts'
import { countsOf, expectRight } from '../../support/observe/counts.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { jobPaths, newJob, workerOf } from '../../support/worker.ts'
import { paths } from '../../support/world.ts'

const tables = ['jobs', 'job_events', 'job_queue_controls', 'job_attachments', 'job_sla_policies', 'job_counters']
const key = 'key-of-the-tests'

if (!hasDeployment) process.stderr.write('skipped: no existing-deployment.sql.gz; set SHARED_DIR to its folder\n')

describe('a database that another program made', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  const running: Running[] = []
  const log: string[] = []
  beforeEach(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 3, onnotice: () => {} })
  })
  afterEach(async () => {
    await stopAll()
    log.length = 0
    await sql.end()
    await database.drop()
  })

  async function start(env = {}): Promise<Running> {
    const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: key, ...env }, (line) => log.push(line))
    running.push(server)
    return server
  }
  const stopAll = () => Promise.all(running.splice(0).map((server) => server.stop()))
  async function startReady(env = {}): Promise<Running> {
    const server = await start(env)
    await server.prepared
    return server
  }
  const get = (server: Running, path: string) =>
    call({ url: server.url, method: 'GET', path, headers: { 'x-api-key': key } })
  const post = (server: Running, path: string, body: object) =>
    call({ url: server.url, method: 'POST', path, body, headers: { 'x-api-key': key, 'x-confirm': 'true' } })

  const columnsOf = async (table: string) =>
    (
      await sql<{ name: string }[]>`
        select attname as name from pg_attribute
        where attrelid = ${table}::regclass and attnum > 0 and not attisdropped order by attnum`
    ).map(({ name }) => name)

  /** A fingerprint of each table, of these columns alone: others may be added beside them. */
  async function fingerprints(columns: Record<string, string[]>): Promise<Record<string, string>> {
    const hashes = Object.entries(columns).map(async ([table, names]) => {
      const [row] = await sql<[{ hash: string }]>`
        select count(*) || ' rows, ' || md5(coalesce(string_agg(t::text, '' order by t::text), '')) as hash
        from (select ${sql(names)} from ${sql(table)}) t`
      return [table, row.hash]
    })
    return Object.fromEntries(await Promise.all(hashes))
  }
  const original = async (names: string[]) =>
    Object.fromEntries(await Promise.all(names.map(async (table) => [table, await columnsOf(table)])))

  const indexes = async () =>
    (
      await sql<{ name: string; valid: boolean }[]>`
        select relname as name, indisvalid as valid from pg_index join pg_class on pg_class.oid = indexrelid
        where indrelid = 'jobs'::regclass order by relname`
    ).map(({ name, valid }) => (valid ? name : `${name} (invalid)`))

  const ours = ['idx_jobs_batch_group', 'idx_jobs_idempotent_unique', 'jobsctl_ended', 'jobsctl_live']

  describe.skipIf(!hasDeployment)('of real input', () => {
    beforeEach(() => loadDeployment(sql))

    it('is adopted with every row and column of every table as it was, at the first start and the second', async () => {
      const columns = await original([...tables, 'jobs_archive', 'job_dependencies'])
      const before = await fingerprints(columns)
      expect(before.jobs).toMatch(/^2\d{3} rows/)
      const types = () => sql`
        select table_name, column_name, data_type, is_nullable, column_default from information_schema.columns
        where table_name = any(${tables}) order by 1, 2`
      const typesBefore = await types()

      const first = await startReady()
      expect(await fingerprints(columns)).toEqual(before)
      expect((await get(first, '/readyz')).status).toBe(200)
      await first.stop()
      running.splice(0)
      await startReady()

      expect(await fingerprints(columns)).toEqual(before)
      expect(await types()).toEqual(expect.arrayContaining([...typesBefore]))
      expect(await indexes()).toEqual(expect.arrayContaining(ours))
    })

    it('is counted right', async () => {
      const server = await startReady()
      const rows = await sql`
        select
          domain, queue, job_type,
          sum((status = 'queued' and coalesce(available_at, '-infinity') <= now())::int)::int as queued,
          sum((status = 'queued' and coalesce(available_at, '-infinity') > now())::int)::int as scheduled,
          sum((status = 'processing')::int)::int as processing,
          sum((status = 'quarantined')::int)::int as quarantined
        from jobs group by 1, 2, 3 order by domain collate "C", queue collate "C", job_type collate "C"`
      expect(rows.length).toBeGreaterThanOrEqual(9)
      expect((await get(server, paths.stats)).body).toEqual([...rows])
    })

    it('is healthy but for its expired leases: finished jobs that keep their lease id are no fault', async () => {
      const server = await startReady()
      const [row] = await sql`
        select count(*)::int as n from jobs where status = 'processing' and (leased_until is null or leased_until < now())`
      expect((await post(server, paths.integrity, {})).body).toMatchObject({
        non_processing_with_lease: 0,
        processing_expired: row?.n,
        fixed: 0,
      })
    })

    it('is pruned to the row, and comes back as it was', async () => {
      const server = await startReady()
      const columns = await original(['jobs', 'job_attachments', 'job_dependencies'])
      const before = await fingerprints(columns)
      const [row] = await sql`
        with old as (
          select coalesce(completed_at, cancelled_at, quarantined_at, created_at) < now() - interval '30 days' as old
          from jobs where status in ('completed', 'failed', 'cancelled')
        )
        select count(*) filter (where old)::int as old, (select count(*)::int from jobs) as jobs from old`
      expect(row?.old).toBeGreaterThan(0)
      expect((await post(server, paths.prune, {})).body).toMatchObject({ deleted: row?.old })
      const [left] = await sql`select count(*)::int as n from jobs`
      expect(left?.n).toBe(row?.jobs - row?.old)

      const undo = await post(server, '/api/v1/jobs/operations/1/undo', {})
      expect(undo.body).toMatchObject({ affected: row?.old, conflict_count: 0 })
      expect(await fingerprints(columns)).toEqual(before)
    })

    it('may be opened by several servers at once, while another program goes on writing', async () => {
      let writing = true
      let written = 0
      const writer = (async () => {
        while (writing) {
          await sql`
            with picked as (
              update jobs set status = 'processing', leased_until = now() + interval '1 minute', lease_id = 'w', worker_id = 'w'
              where id = (select id from jobs where status = 'queued' order by priority, id for update skip locked limit 1)
              returning id
            )
            insert into jobs (domain, queue, job_type, status) values ('writer', 'default', 'x', 'queued')`
          written += 1
        }
      })()
      try {
        const servers = await Promise.all([startReady(), startReady(), startReady()])
        for (const server of servers) expect((await get(server, '/readyz')).status).toBe(200)
        await until('the writer has written beside ready servers', () => written > 20)
      } finally {
        writing = false
        await writer
      }
      const [row] = await sql`select count(*)::int as n from jobs where domain = 'writer'`
      expect(row?.n).toBe(written)
      expect(await indexes()).toEqual(expect.arrayContaining(ours))
      expect((await indexes()).filter((name) => name.includes('invalid'))).toEqual([])
      const [done] = await sql`select count(*)::int as n, count(distinct number)::int as once from jobsctl_migrations`
      expect(done?.n).toBe(done?.once)
    })

    it('serves while another session holds a transaction that has read and written jobs', async () => {
      const session = await sql.reserve()
      await session`begin`
      await session`select count(*) from jobs`
      await session`update jobs set progress_message = 'held' where id = (select min(id) from jobs)`
      try {
        const server = await start()
        await until('the server is ready', async () => (await get(server, '/readyz')).status === 200)
        expect((await get(server, paths.stats)).status).toBe(200)
        // One line for each migration that adds columns to jobs.
        expect(log.filter((line) => line.includes('another session holds the table'))).toHaveLength(2)
        await session`commit`
        await server.prepared
        expect(await indexes()).toEqual(expect.arrayContaining(ours))
        await startReady()
        const [added] = await sql`
          select from pg_attribute where attrelid = 'jobs'::regclass and attname = 'traceparent'`
        expect(added).toBeDefined()
      } finally {
        await session`rollback`
        session.release()
      }
    })

    it('has a half-built index made again', async () => {
      await sql`create index jobsctl_ended on jobs (id) where false`
      await sql`update pg_index set indisvalid = false where indexrelid = 'jobsctl_ended'::regclass`
      expect(await indexes()).toContain('jobsctl_ended (invalid)')

      await startReady()

      expect(await indexes()).toContain('jobsctl_ended')
      const [row] = await sql`select pg_get_indexdef('jobsctl_ended'::regclass) as text`
      expect(row?.text).toMatch(/coalesce\(completed_at/i)
    })

    it('takes events and attachments of its own jobs, whose ids are of 32 bit', async () => {
      const server = await startReady()
      const [row] = await sql`select job_id from job_attachments order by id limit 1`
      await sql`update jobs set status = 'failed', completed_at = now() - interval '90 days' where id = ${row?.job_id}`
      expect((await post(server, paths.prune, { statuses: ['failed'] })).status).toBe(200)
      expect([...(await sql`select id from job_attachments where job_id = ${row?.job_id}`)]).toEqual([])
    })
  })

  it('gets the columns that it lacks, and keeps its rows', async () => {
    await sql.unsafe(`
      create table jobs (
        id serial primary key, uuid text unique, domain text not null, queue text not null, job_type text not null,
        payload jsonb, status text not null, priority integer default 5, created_at timestamptz default now(),
        updated_at timestamptz default now(), available_at timestamptz, completed_at timestamptz, leased_until timestamptz,
        lease_id text, worker_id text, retry_count integer default 0, max_retries integer default 3);
      insert into jobs (domain, queue, job_type, status, payload)
      select 'd', 'q', 't', 'queued', '{"a": 1}' from generate_series(1, 50)`)
    const columns = await original(['jobs'])
    const before = await fingerprints(columns)

    const server = await startReady()

    expect(await fingerprints(columns)).toEqual(before)
    expect(await columnsOf('jobs')).toEqual(
      expect.arrayContaining(['quarantined_at', 'failure_streak_count', 'error_stack']),
    )
    expect((await get(server, paths.stats)).body).toMatchObject([{ domain: 'd', queued: 50 }])
    expect((await post(server, paths.sweep, { age_seconds: 1, dry_run: true })).status).toBe(200)
    expect((await post(server, paths.integrity, { fix: true })).status).toBe(200)
  })

  it('that is empty gets all tables, from two servers at once', async () => {
    const servers = await Promise.all([startReady(), startReady()])
    for (const server of servers) expect((await get(server, paths.stats)).body).toEqual([])
    for (const table of [...tables, 'jobs_archive', 'job_dependencies']) {
      expect((await columnsOf(table)).length, table).toBeGreaterThan(2)
    }
  })

  it('that is empty has its indexes as soon as it is ready, whatever transactions run beside the start', async () => {
    await sql.begin('isolation level repeatable read', async (tx) => {
      // A concurrent build of an index waits for every transaction that has a snapshot.
      await tx`select 1`
      const server = await start()
      await until('the server is ready', async () => (await get(server, '/readyz')).status === 200)
      expect(await indexes()).toEqual(expect.arrayContaining(ours))
      await server.prepared
    })
    expect((await indexes()).filter((name) => name.includes('invalid'))).toEqual([])
  })

  it('has its indexes built although PostgreSQL ends a build as a deadlock with ANALYZE', async () => {
    await sql.unsafe(`
      create table jobs (id serial primary key, domain text not null, queue text not null, job_type text not null,
        status text not null);
      insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'queued')`)
    const waiting = (query: string, longerThan: string) => async () => {
      const found = await sql`
        select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query ~* ${query}
          and clock_timestamp() - query_start > ${longerThan}::interval`
      return found.count > 0
    }
    const session = await sql.reserve()
    const server = await start()
    await until('the server has its tables', async () => (await get(server, '/readyz')).status === 200)
    await server.prepared
    await sql`drop index jobsctl_live, jobsctl_ended`
    await stopAll()
    await session`begin`
    await session`insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'queued')`
    const again = await start()
    await until('a build waits', waiting('create index concurrently', '0 s'))
    const analysed = sql`analyze jobs`.execute().catch(() => {})
    // A session looks for a deadlock once, after 1 s: from then on only the build finds it.
    await until('ANALYZE waits', waiting('^analyze', '2 s'))
    await session`rollback`
    session.release()
    await Promise.all([analysed, again.prepared])
    expect(await indexes()).toEqual(expect.arrayContaining(['jobsctl_ended', 'jobsctl_live']))
  })

  it('has its change times kept by a trigger, whoever writes', async () => {
    await startReady()
    await sql`
      insert into jobs (domain, queue, job_type, status, updated_at) values ('d', 'q', 't', 'queued', '2020-01-01')`
    await sql`update jobs set priority = 1`
    const [row] = await sql`select updated_at > now() - interval '1 minute' as fresh from jobs`
    expect(row?.fresh).toBe(true)
  })

  it("leaves another program's trigger and its function as they are, and adds none beside it", async () => {
    await sql.unsafe(`
      create table jobs (id serial primary key, domain text not null, queue text not null, job_type text not null,
        status text not null, updated_at timestamptz);
      create function set_jobs_updated_at() returns trigger language plpgsql as
        'begin new.updated_at := now(); perform 1; return new; end';
      create trigger jobs_touch before update on jobs for each row execute function set_jobs_updated_at()`)
    await startReady()
    expect(await sql`select prosrc from pg_proc where proname = 'set_jobs_updated_at'`).toMatchObject([
      { prosrc: expect.stringContaining('perform 1') },
    ])
    // The triggers of the counts come later, and those of the history when somebody turns it on.
    expect(
      await sql`select tgname from pg_trigger where tgrelid = 'jobs'::regclass and tgname !~ '^jobsctl_count_'`,
    ).toMatchObject([{ tgname: 'jobs_touch' }])
  })

  it('starts for a role that does not own the tables, where only a table beside the jobs lacks a column', async () => {
    await startReady()
    await stopAll()
    await sql.unsafe(`
      alter table jobs_archive drop column error_code;
      drop table jobsctl_migrations, jobsctl_counts, jobsctl_count_deltas, jobsctl_counting, jobsctl_transitions;
      drop function jobsctl_count_insert, jobsctl_count_update, jobsctl_count_delete, jobsctl_count_deleted, jobsctl_count_attached,
        jobsctl_count_truncate,
        jobsctl_history_insert, jobsctl_history_update cascade`)
    await makeVisitor()
    try {
      const server = await startReady({ JOBS_DB_URL: asVisitor() })
      expect((await get(server, paths.stats)).status).toBe(200)
    } finally {
      await stopAll()
      await sql`drop owned by visitor`
      await sql`drop role visitor`
    }
  })
  it('starts for a role that may make no trigger where nothing keeps updated_at, and says what is missing', async () => {
    await startReady()
    await stopAll()
    await sql.unsafe(`drop trigger jobsctl_updated_at on jobs; drop function jobsctl_set_updated_at`)
    await makeVisitor()
    try {
      const server = await startReady({ JOBS_DB_URL: asVisitor() })
      expect((await get(server, '/readyz')).status).toBe(200)
      expect((await post(server, jobPaths.enqueue, newJob())).status).toBe(201)
      expect(log.filter((line) => line.includes('may not make the trigger jobsctl_updated_at on jobs'))).toHaveLength(1)
      const { out } = await runJobsctl(['doctor'], { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: key } })
      expect(out).toMatch(/^rights\twarning\tthe database lacks: trigger jobsctl_updated_at on jobs\t.*role visitor/m)
    } finally {
      await stopAll()
      await sql`drop owned by visitor`
      await sql`drop role visitor`
    }
  })
  /** A role that may work with the tables, and owns none. */
  const makeVisitor = () =>
    sql.unsafe(`
      drop role if exists visitor;
      create role visitor login;
      grant create, usage on schema public to visitor;
      grant select, insert, update, delete on all tables in schema public to visitor;
      grant usage, update on all sequences in schema public to visitor`)
  const asVisitor = () => Object.assign(new URL(database.env.JOBS_DB_URL ?? ''), { username: 'visitor' }).href

  it('does all that needs no archive for a role that may not alter the archive, and says what cannot be done', async () => {
    await startReady()
    await stopAll()
    await sql.unsafe(`
      insert into jobs (domain, queue, job_type, status, quarantined_at) values ('d', 'q', 't', 'quarantined', now());
      insert into jobs (domain, queue, job_type, status, completed_at)
      values ('d', 'q', 't', 'completed', now() - interval '90 days');
      alter table jobs_archive drop column operation_id`)
    await makeVisitor()
    try {
      const server = await startReady({ JOBS_DB_URL: asVisitor() })
      const warned = log.filter((line) => line.includes('tables of other programs lack: jobs_archive.operation_id'))
      expect(warned).toHaveLength(1)
      expect((await get(server, '/readyz')).status).toBe(200)
      expect((await post(server, paths.requeue, { domain: 'd' })).body).toMatchObject({ affected: 1 })
      expect(await get(server, '/api/v1/jobs/operations/1')).toMatchObject({ body: { now: { queued: 1 } } })
      expect(await get(server, '/api/v1/jobs/storage')).toMatchObject({ body: { archive_lacks: ['operation_id'] } })
      expect(await post(server, paths.prune, {})).toMatchObject({
        status: 409,
        body: { detail: expect.stringContaining('jobs_archive has no column operation_id') },
      })
      const { out } = await runJobsctl(['doctor'], { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: key } })
      expect(out).toMatch(/^history\twarning\t.*operation_id/m)
      expect(await deleteExpiredArchive(server.sql, { days: 7, stopping: new AbortController().signal })).toBe(0)
    } finally {
      await stopAll()
      await sql`drop owned by visitor`
      await sql`drop role visitor`
    }
  })

  it('goes without thresholds of jobs for a role that may not alter jobs, until its owner adds the column', async () => {
    await sql.unsafe(oldBackup)
    const migrated = await startReady()
    await migrated.stop()
    running.splice(0)
    await sql.unsafe(`
      alter table jobs drop column quarantine_threshold;
      alter table jobs_archive drop column quarantine_threshold`)
    await makeVisitor()
    try {
      const server = await startReady({ JOBS_DB_URL: asVisitor() })
      expect((await get(server, '/readyz')).status).toBe(200)
      expect(
        log.filter((line) => line.includes('tables of other programs lack: jobs.quarantine_threshold')),
      ).toHaveLength(1)
      const own = newJob({ quarantine_threshold: 2 })
      const [plain, refused] = await Promise.all([
        post(server, jobPaths.enqueue, newJob()),
        post(server, jobPaths.enqueue, own),
      ])
      expect(plain.status).toBe(201)
      expect(refused).toMatchObject({
        status: 409,
        body: { detail: 'the table jobs has no column quarantine_threshold; nothing was enqueued' },
      })
      expect((await post(server, paths.prune, {})).body).toMatchObject({ deleted: 1 })
      await sql`insert into jobsctl_queues (domain, queue, quarantine_threshold) values ('chatbooks', 'default', 1)`
      const worker = workerOf((path, body) => post(server, path, Object(body)))
      expect(await worker.fail(await worker.take(), { error_code: 'c' })).toMatchObject({ status: 'quarantined' })

      expect(await runServer(['migrate'], database.env)).toMatchObject({ code: 0 })
      expect((await post(server, jobPaths.enqueue, own)).status).toBe(201)
      expect(await worker.fail(await worker.take(), { error_code: 'c', backoff_seconds: 0 })).toMatchObject({
        status: 'queued',
      })
    } finally {
      await stopAll()
      await sql`drop owned by visitor`
      await sql`drop role visitor`
    }
  })

  it('has its jobs counted themselves where a role may not see them all', async () => {
    await sql.unsafe(`
      drop role if exists visitor;
      create role visitor login;
      grant create, usage on schema public to visitor`)
    try {
      const server = await startReady({ JOBS_DB_URL: asVisitor() })
      const world = { call: (_: string, path: string) => get(server, path), sql: server.sql }
      await until('the counts are kept', async () => (await countsOf(world)).kept)
      await sql`
        insert into jobs (domain, queue, job_type, status)
        select case when n < 3 then 'seen' else 'hidden' end, 'q', 't', 'queued' from generate_series(1, 5) n`
      await expectRight(world)
      await sql.unsafe(`
        alter table jobs enable row level security, force row level security;
        create policy visible on jobs using (domain = 'seen')`)
      expect((await get(server, paths.stats)).body).toMatchObject([{ domain: 'seen', queued: 2 }])
      expect(await countsOf(world)).toMatchObject({ kept: false, why: expect.stringContaining('hides rows') })
    } finally {
      await stopAll()
      await sql`drop owned by visitor`
      await sql`drop role visitor`
    }
  })

  const oldBackup = `
    drop table if exists jobs, jobs_archive cascade;
    create table jobs (id serial primary key, domain text not null, queue text not null, job_type text not null,
      status text not null, idempotency_key text, completed_at timestamptz, updated_at timestamptz);
    create table jobs_archive (id integer, domain text, archived_at timestamptz);
    insert into jobs (domain, queue, job_type, status, completed_at)
    values ('d', 'q', 't', 'queued', null), ('d', 'q', 't', 'completed', now() - interval '90 days')`

  it('is made whole again by a start after a backup of before the adoption was loaded over it', async () => {
    await sql.unsafe(oldBackup)
    const first = await startReady()
    const before = { indexes: await indexes(), columns: await columnsOf('jobs') }
    await sql.unsafe(oldBackup)
    expect((await get(first, '/readyz')).status).toBe(503)
    await stopAll()

    const second = await startReady()

    expect((await get(second, '/readyz')).status).toBe(200)
    expect(await indexes()).toEqual(before.indexes)
    expect(await columnsOf('jobs')).toEqual(before.columns)
    expect(await post(second, paths.prune, {})).toMatchObject({ body: { deleted: 1 } })
    expect(await post(second, '/api/v1/jobs/operations/1/undo', {})).toMatchObject({ body: { affected: 1 } })
    const world = { call: (_: string, path: string) => get(second, path), sql: second.sql }
    await until('the counts are kept', async () => (await countsOf(world)).kept)
    await sql`update jobs set status = 'processing' where status = 'queued' returning updated_at`
    await expectRight(world)
    expect(await countsOf(world)).toMatchObject({ kept: true, wrong: 0, mended: null })
    expect([...(await sql`select from jobs where updated_at > now() - interval '1 minute'`)]).toHaveLength(1)
  })

  it('counts again after a start, and at once, where somebody took the functions or the triggers away', async () => {
    const counting = async (server: Running) => {
      const world = { call: (_: string, path: string) => get(server, path) }
      await until('the counts are kept', async () => (await countsOf(world)).kept)
    }
    await counting(await startReady())
    await sql`drop trigger jobsctl_count_update on jobs`
    await until('the trigger is there again', async () => {
      const [trigger] = await sql`select from pg_trigger where tgname = 'jobsctl_count_update'`
      return trigger !== undefined
    })
    await stopAll()
    await sql.unsafe(`
      drop function jobsctl_count_insert, jobsctl_count_update, jobsctl_count_delete, jobsctl_count_truncate cascade`)
    await counting(await startReady())
  })

  it('locks no table that lacks nothing', async () => {
    await startReady()
    const first = log.filter((line) => line.includes('"migration ')).length
    expect(first).toBeGreaterThan(4)
    await stopAll()
    await sql.begin(async (tx) => {
      await tx`lock table jobs, job_events, jobs_archive, job_operations, jobsctl_counts in row exclusive mode`
      await startReady()
    })
    expect(log.filter((line) => line.includes('"migration ')).length).toBe(first)
  })

  it.each([
    ['of some rows alone', '(domain, queue, job_type, idempotency_key) where idempotency_key is not null'],
    ['of other columns', '(domain, idempotency_key)'],
  ])('gets what idempotency keys need, beside an index of that name that is %s', async (_, definition) => {
    await sql.unsafe(oldBackup)
    await sql.unsafe(`
      create unique index idx_jobs_idempotent_unique on jobs ${definition};
      create index jobsctl_ended on jobs (status)`)
    const server = await startReady()
    const twice = [1, 2].map(() => post(server, jobPaths.enqueue, newJob({ queue: 'q', idempotency_key: 'k' })))
    const ids = (await Promise.all(twice)).map(({ body }) => Object(body).id)
    expect(ids).toEqual([expect.any(Number), ids[0]])
    expect(await indexes()).toEqual(expect.arrayContaining(['idx_jobs_idempotent_unique', 'jobsctl_unique']))
    expect(log.filter((line) => line.includes('is not the one that this server needs'))).toEqual([
      expect.stringContaining('the index jobsctl_ended is not the one that this server needs'),
    ])
    await stopAll()
    await startReady()
    expect((await indexes()).filter((name) => name.includes('unique'))).toHaveLength(2)
  })

  it('needs no second index for idempotency keys, whatever the first is called', async () => {
    await sql.unsafe(oldBackup)
    await sql`create unique index theirs on jobs (domain, queue, job_type, idempotency_key)`
    await startReady()
    expect((await indexes()).filter((name) => name.includes('unique'))).toEqual([])
  })

  it('waits for another server that is migrating it, and says so once', async () => {
    const holding = await sql.reserve()
    await holding`select pg_advisory_lock(hashtext('jobsctl migrations'))`
    try {
      const server = await start()
      await until('the server says that it waits', () =>
        log.some((line) => line.includes('waiting for another server that is migrating')),
      )
      await holding`select pg_advisory_unlock_all()`
      await server.prepared
      expect(log.filter((line) => line.includes('waiting for another server that is migrating'))).toHaveLength(1)
    } finally {
      await holding`select pg_advisory_unlock_all()`
      holding.release()
    }
  })

  it('makes no writer wait for long while it waits for a table that it must alter', async () => {
    await sql`
      create table jobs (id serial primary key, domain text not null, queue text not null, job_type text not null,
        status text not null)`
    const reader = await sql.reserve()
    try {
      await reader`begin`
      await reader`select count(*) from jobs`
      await start()
      await until('the server has tried', async () => {
        const [row] = await sql`
          select 1 from pg_stat_activity
          where datname = current_database() and application_name = 'jobs-server'`
        return row !== undefined
      })
      // The reader keeps the server waiting all the while: a writer that queued up behind the server would fail.
      for (let n = 0; n < 60; n++) {
        await sql.begin(async (tx) => {
          await tx`set local lock_timeout = '10s'`
          await tx`insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'queued')`
        })
      }
      await reader`rollback`
    } finally {
      reader.release()
    }
    const [server] = running
    await server?.prepared
    expect(await sql`select count(*)::int as n, count(available_at)::int as due from jobs`).toMatchObject([
      { n: 60, due: 0 },
    ])
  })
})
