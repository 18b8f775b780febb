import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Running } from '../../../server/start.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { countsOf, expectRight } from '../../support/observe/counts.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'

const key = 'key-of-the-tests'

/** A server, and a connection past it to its database. */
interface Serving extends Pick<Running, 'sql'> {
  call: (method: string, path: string) => ReturnType<typeof call>
}

describe('the counts behind stats, of a database that is changed under the server', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  const running: Running[] = []
  const sessions: postgres.Sql[] = []
  beforeEach(async () => {
    database = await emptyDatabase()
    sql = session('public')
  })
  afterEach(async () => {
    await stopAll()
    await Promise.all(sessions.splice(0).map((one) => one.end()))
    await database.drop()
  })

  function urlOf(searchPath: string): string {
    const url = new URL(database.env.JOBS_DB_URL ?? '')
    url.searchParams.set('search_path', searchPath)
    return url.href
  }
  function session(searchPath: string): postgres.Sql {
    const made = postgres(urlOf(searchPath), { max: 2, onnotice: () => {} })
    sessions.push(made)
    return made
  }
  const stopAll = () => Promise.all(running.splice(0).map((server) => server.stop()))

  async function serve(searchPath = 'public'): Promise<Serving> {
    const server = await startServer({ ...database.env, JOBS_DB_URL: urlOf(searchPath), SINGLE_USER_API_KEY: key })
    running.push(server)
    await server.prepared
    const { url, sql } = server
    return {
      sql,
      call: (method, path) => call({ url, method, path, headers: { 'x-api-key': key } }),
    }
  }
  const kept = (server: Serving) => until('the counts are kept', async () => (await countsOf(server)).kept)
  async function serveKept(searchPath = 'public'): Promise<Serving> {
    const server = await serve(searchPath)
    await kept(server)
    return server
  }

  const some = (to: { unsafe: (text: string) => PromiseLike<unknown> }, table = 'jobs') =>
    to.unsafe(`
      insert into ${table} (domain, queue, job_type, status)
      select 'd', 'q', 't', 'queued' from generate_series(1, 10)`)

  it('are not believed where all tables of the counts were emptied, and kept again', async () => {
    const server = await serveKept()
    await some(sql)
    await sql`truncate jobsctl_counts, jobsctl_count_deltas, jobsctl_counting`
    await expectRight(server)
    await stopAll()
    const again = await serve()
    await expectRight(again)
    await kept(again)
    await expectRight(again)
  })

  it('are kept again in a database where they were kept by an earlier version', async () => {
    await serveKept()
    await stopAll()
    await sql`alter table jobsctl_counting drop column jobs`
    const again = await serveKept()
    await some(sql)
    await expectRight(again)
    expect(await countsOf(again)).toMatchObject({ kept: true, wrong: 0 })
  })

  it('go on in a schema that has another name now', async () => {
    await sql`create schema before`
    const server = await serveKept('before')
    await some(server.sql)
    await stopAll()
    await sql`alter schema before rename to "Now, and"`
    const again = await serveKept('"Now, and"')
    // Until the server has repaired the functions of the triggers, PostgreSQL refuses each write to jobs.
    await until('the triggers find their tables', async () => {
      const [written] = await Promise.allSettled([some(again.sql)])
      return written.status === 'fulfilled'
    })
    await expectRight(again)
    expect(await countsOf(again)).toMatchObject({ kept: true, wrong: 0 })
  })

  it('keep nobody from writing after the tables were given to another role', async () => {
    await sql.unsafe('create role count_giver; create role count_taker')
    try {
      await serveKept()
      await sql.unsafe(`
        alter function jobsctl_count_insert() owner to count_giver;
        alter table jobsctl_count_deltas owner to count_taker;
        alter table jobsctl_counting owner to count_taker`)
      await expect(some(sql)).rejects.toThrow('permission denied')
      await stopAll()
      const again = await serveKept()
      await some(sql)
      await expectRight(again)
    } finally {
      await stopAll()
      await sql.unsafe('drop owned by count_giver, count_taker cascade; drop role count_giver, count_taker')
    }
  })

  it('are of the server whose tables the triggers write to: another one counts the jobs', async () => {
    await sql.unsafe(`
      create schema one;
      create schema two;
      create table jobs (
        id bigint generated always as identity primary key, uuid text unique, domain text not null, queue text not null,
        job_type text not null, status text not null
      )`)
    const first = await serveKept('one, public')
    const second = await serve('two, public')
    await some(sql)
    await expectRight(first)
    await expectRight(second)
  })

  it('are of one table, whatever others have its triggers', async () => {
    const server = await serveKept()
    await some(sql)
    await sql.unsafe(`
      create schema copied;
      create table copied.jobs (like jobs including all);
      create trigger jobsctl_count_insert after insert on copied.jobs referencing new table as fresh
        for each statement execute function jobsctl_count_insert();
      create trigger jobsctl_count_truncate after truncate on copied.jobs
        for each statement execute function jobsctl_count_truncate()`)
    await some(sql, 'copied.jobs')
    await sql`truncate copied.jobs`
    await expectRight(server)
    expect(await countsOf(server)).toMatchObject({ kept: true, wrong: 0 })
  })

  it('follow the name of the table to another one', async () => {
    const server = await serveKept()
    await some(sql)
    await sql.begin(async (tx) => {
      await tx.unsafe(`
        alter table jobs rename to jobs_old;
        create table jobs (like jobs_old including all);
        insert into jobs overriding system value select * from jobs_old`)
    })
    await kept(server)
    await sql`delete from jobs_old where id <= 4`
    await sql`update jobs set status = 'processing' where id <= 3`
    await expectRight(server)
    expect(await countsOf(server)).toMatchObject({ kept: true, wrong: 0 })
  })

  it('follow it to one that has the triggers already, and count it anew once', async () => {
    const server = await serveKept()
    await some(sql)
    const [{ all }] = await sql<[{ all: string }]>`
      select string_agg(pg_get_triggerdef(oid), '; ') as all from pg_trigger where tgrelid = 'jobs'::regclass and tgname like 'jobsctl_count%'`
    await sql.begin(async (tx) => {
      await tx.unsafe(`
        alter table jobs rename to jobs_old;
        create table jobs (like jobs_old including all);
        insert into jobs overriding system value select * from jobs_old;
        ${all}`)
    })
    await kept(server)
    const checked = async () =>
      (await sql<{ at: string }[]>`select checked_at::text as at from jobsctl_counting`)[0]?.at
    const first = await checked()
    await sql`update jobs set status = 'processing' where id <= 3`
    await until('they are added up', async () => (await sql`select from jobsctl_count_deltas`).length === 0)
    expect(await checked()).toBe(first)
    await expectRight(server)
  })

  it('are not kept of a table that has parts, or is one', async () => {
    const server = await serveKept()
    await sql.unsafe('create table jobs_of_old (like jobs including all); alter table jobs_of_old inherit jobs')
    await some(sql, 'jobs_of_old')
    await expectRight(server)
    expect(await countsOf(server)).toMatchObject({ kept: false })
  })

  it('are counted again after the table was rewritten', async () => {
    const server = await serveKept()
    await some(sql)
    await sql`alter table jobs alter job_type type text using upper(job_type)`
    await expectRight(server)
    await kept(server)
    await expectRight(server)
  })

  it('are kept of names that compare in their own way, and of such as fit into no index', async () => {
    await sql.unsafe(`
      create table jobs (
        id bigint generated always as identity primary key, uuid text unique, domain text collate "POSIX" not null,
        queue text not null, job_type text not null, status text not null
      )`)
    const server = await serveKept()
    await some(sql)
    // Compressed it fits into the index of the jobs, which is about fewer columns.
    const long = 'x'.repeat(1200)
    const insert = () => sql`
      insert into jobs (domain, queue, job_type, status) values (${long}, ${long}, 't', 'queued'), ('d', 'q', 't', 'queued')`
    await insert()
    await insert()
    const left = async () => (await sql`select from jobsctl_count_deltas`).length
    await until('the others are added up', async () => (await left()) === 2)
    await expectRight(server)
    expect(await countsOf(server)).toMatchObject({ kept: true, wrong: 0 })
    expect(await left()).toBe(1)
    await sql`delete from jobs where domain = ${long}`
    await expectRight(server)
    expect(await countsOf(server)).toMatchObject({ kept: true, wrong: 0 })
    expect(await left()).toBe(0)
  })

  it('are those of a replication, too, once a start finds triggers that are not always fired', async () => {
    await serveKept()
    await sql`alter table jobs enable trigger jobsctl_count_insert`
    await stopAll()
    const server = await serveKept()
    await until('they are fired always', async () => {
      const [trigger] = await sql`select from pg_trigger where tgname = 'jobsctl_count_insert' and tgenabled = 'A'`
      return trigger !== undefined
    })
    await kept(server)
    await sql.begin(async (tx) => {
      await tx`set local session_replication_role = replica`
      await tx`insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'queued')`
    })
    await expectRight(server)
    expect(await countsOf(server)).toMatchObject({ kept: true, wrong: 0 })
  })
})
