import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Running } from '../../../server/start.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const key = 'key-of-the-tests'
const role = `Missing-${process.pid}`

describe('a right that the role of the server lacks', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Running
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    expect(await runServer(['migrate'], database.env)).toMatchObject({ code: 0 })
    await sql.unsafe(`create role "${role}" login`)
    await grantAll()
    const url = Object.assign(new URL(database.env.JOBS_DB_URL ?? ''), { username: role }).href
    server = await startServer(
      { ...database.env, JOBS_DB_URL: url, JOBS_MIGRATE: 'false', SINGLE_USER_API_KEY: key },
      () => {},
    )
    await server.prepared
  })
  afterAll(async () => {
    await server?.stop()
    await sql?.unsafe(`drop owned by "${role}" cascade; drop role "${role}"`)
    await sql?.end()
    await database?.drop()
  })

  async function grantAll(): Promise<void> {
    const { out, code } = await runServer(['grants', '--role', role], database.env)
    expect(code).toBe(0)
    await sql.unsafe(out)
  }
  const send = (method: string, path: string, body?: unknown) =>
    call({
      url: server.url,
      method,
      path: `/api/v1/jobs${path}`,
      body,
      headers: { 'x-api-key': key, 'x-confirm': 'true' },
    })
  const jobsctl = (...argv: string[]) => runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: key } })
  const oldJobs = (count: number) => sql`
    insert into jobs (domain, queue, job_type, status, completed_at)
    select 'd', 'q', 't', 'completed', now() - interval '90 days' from generate_series(1, ${count}::int)`

  it('is told by a prune with the grant that gives it, where a migration has added a sequence to the archive', async () => {
    await oldJobs(3)
    await sql.unsafe(`
      create sequence jobs_archive_archive_id_seq;
      alter table jobs_archive add column archive_id bigint not null default nextval('jobs_archive_archive_id_seq')`)
    const refused = await jobsctl('prune', '--all', '--older-than', '30d', '--yes')
    expect(refused).toMatchObject({ code: 4 })
    const answer = await send('POST', '/prune', {})
    expect(answer).toMatchObject({ status: 403, body: { code: 'database_right_missing', refused_by_database: true } })
    const { detail } = Object(answer.body)
    expect(detail).toContain('permission denied for sequence jobs_archive_archive_id_seq')
    expect(detail).toContain('nothing was changed')
    expect(refused.err).toContain('permission denied for sequence jobs_archive_archive_id_seq')
    expect((await jobsctl('doctor')).out).toContain('usage on sequence public.jobs_archive_archive_id_seq')
    // The statement of the answer is all that it takes.
    const [, grant] = /(grant .* on sequence .*?);/.exec(detail) ?? []
    expect(grant).toBe(`grant usage, update on sequence public.jobs_archive_archive_id_seq to "${role}"`)
    await sql.unsafe(grant ?? '')
    expect(await send('POST', '/prune', {})).toMatchObject({ status: 200, body: { deleted: 3 } })
  })

  it('is told for tables, schemas and functions of triggers, by reads and by changes', async () => {
    await sql`insert into jobs (domain, queue, job_type, status, completed_at) values ('d', 'q', 't', 'failed', now())`
    const job = { domain: 'd', queue: 'q', job_type: 't', payload: {} }
    const cases: [take: string, method: string, path: string, body: unknown, grant: RegExp][] = [
      [
        `revoke select on jobs from "${role}"`,
        'GET',
        '/list?domain=d',
        undefined,
        /grant select, insert, update, delete on table public\.jobs to/,
      ],
      [`revoke insert on jobs from "${role}"`, 'POST', '', job, /grant .* on table public\.jobs to/],
      [
        `revoke insert on job_operations from "${role}"`,
        'POST',
        '/batch/retry',
        { domain: 'd' },
        /grant .* on table public\.job_operations to/,
      ],
      [
        `revoke select on job_queue_controls from "${role}"`,
        'GET',
        '/queues',
        undefined,
        /on table public\.job_queue_controls to/,
      ],
      [
        `create schema audit; create function audit.note() returns trigger language plpgsql as $$begin return new; end$$;
         create table audit.log (a int);
         create or replace function public.noting() returns trigger language plpgsql as $$begin insert into audit.log values (1); return new; end$$;
         create trigger noting before insert on jobs for each row execute function public.noting()`,
        'POST',
        '',
        job,
        /grant usage on schema audit to/,
      ],
    ]
    for (const [take, method, path, body, grant] of cases) {
      await sql.unsafe(take)
      const answer = await send(method, path, body)
      expect(answer, take).toMatchObject({ status: 403, body: { code: 'database_right_missing' } })
      expect(Object(answer.body).detail, take).toMatch(grant)
      expect(Object(answer.body).detail).toContain(`"${role}"`)
      await grantAll()
    }
  })
})
