import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Running } from '../../../server/start.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { type Answer, call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { jobPaths, newJob } from '../../support/worker.ts'
import { paths } from '../../support/world.ts'

const key = 'key-of-the-tests'
const role = `guarded_${process.pid}`
const tables = ['jobs', 'job_attachments', 'job_dependencies']
const isAdmin = "current_setting('app.is_admin', true) = 'true'"

/** The role of the server owns the tables, and FORCE makes their policies apply to the owner, too. */
describe('row level security of another program', () => {
  let database: TestDatabase
  let operator: postgres.Sql
  let server: Running
  beforeAll(async () => {
    database = await emptyDatabase()
    operator = postgres(database.env.JOBS_DB_URL ?? '', { max: 2, onnotice: () => {} })
    await operator.unsafe(`create role ${role} login; grant create, usage on schema public to ${role}`)
    await start()
    await operator.unsafe(
      tables
        .map((table) => `alter table ${table} enable row level security, force row level security;`)
        .concat(
          `create policy admins on jobs using (${isAdmin})`,
          ...['job_attachments', 'job_dependencies'].map(
            (table) => `; create policy admins on ${table} using (${isAdmin})`,
          ),
        )
        .join(''),
    )
  })
  afterEach(() => operator.unsafe(`truncate ${tables.join(', ')}; alter role ${role} reset app.is_admin`))
  afterAll(async () => {
    await server?.stop()
    await operator?.unsafe(`drop owned by ${role}; drop role ${role}`)
    await operator?.end()
    await database?.drop()
  })

  async function start(env: Record<string, string> = {}): Promise<void> {
    await server?.stop()
    const url = Object.assign(new URL(database.env.JOBS_DB_URL ?? ''), { username: role }).href
    server = await startServer({ ...database.env, JOBS_DB_URL: url, SINGLE_USER_API_KEY: key, ...env })
    await server.prepared
  }
  const post = (path: string, body: object): Promise<Answer> =>
    call({
      ...{ url: server.url, method: 'POST', path, body },
      headers: { 'x-api-key': key, 'x-confirm': 'true' },
    })
  const rights = async () => {
    const { out } = await runJobsctl(['doctor'], { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: key } })
    return out.split('\n').find((line) => line.startsWith('rights\t'))
  }
  /** Three old jobs; the second has an attachment and depends on the first. */
  const makeOldJobs = () =>
    operator.unsafe(`
      -- An earlier undo holds jobs of the same ids.
      delete from jobsctl_holds;
      insert into jobs (id, uuid, domain, queue, job_type, status, completed_at)
      overriding system value
      select n, 'job-' || n, 'd', 'q', 't', 'completed', now() - interval '90 days' from generate_series(1, 3) as n;
      insert into job_attachments (job_id, kind, content_text) values (2, 'log', 'text');
      insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('job-2', 'job-1')`)
  const rows = async () => {
    const [row] = await operator`
      select
        (select count(*)::int from jobs) as jobs,
        (select count(*)::int from job_attachments) as attachments,
        (select count(*)::int from job_dependencies) as dependencies`
    return row
  }
  const pruneAndUndo = async () => {
    const pruned = await post(paths.prune, {})
    expect(pruned).toMatchObject({ status: 200, body: { deleted: 3 } })
    expect(await rows()).toEqual({ jobs: 0, attachments: 0, dependencies: 0 })
    const { operation_id } = Object.assign({ operation_id: 0 }, pruned.body)
    return post(`/api/v1/jobs/operations/${operation_id}/undo`, {})
  }
  const enqueueTwo = async () => {
    const first = await post(jobPaths.enqueue, newJob())
    const { uuid } = Object.assign({ uuid: '' }, first.body)
    return [first, await post(jobPaths.enqueue, newJob({ depends_on: [uuid] }))]
  }

  it('lets sessions with app.is_admin enqueue dependents, prune and undo', async () => {
    const enqueued = await enqueueTwo()
    expect(enqueued.map(({ status }) => status)).toEqual([201, 201])
    await operator.unsafe(`truncate ${tables.join(', ')}`)
    await makeOldJobs()
    expect(await pruneAndUndo()).toMatchObject({ status: 200, body: { affected: 3, conflict_count: 0 } })
    expect(await rows()).toEqual({ jobs: 3, attachments: 1, dependencies: 1 })
    expect(await rights()).toMatch(/^rights\tok\trow level security of jobs, job_attachments, job_dependencies applies/)
  })

  it('that no setting satisfies is a 409, costs an undo only the jobs it protects, and doctor warns of it', async () => {
    await operator.unsafe(
      ['job_attachments', 'job_dependencies']
        .map(
          (table) => `
            drop policy admins on ${table};
            create policy reading on ${table} for select using (true);
            create policy removing on ${table} for delete using (true);
            create policy writing on ${table} for insert with check (current_user = 'nobody');`,
        )
        .join(''),
    )
    try {
      expect(await rights()).toMatch(
        /^rights\twarning\t.*no policy of job_attachments, job_dependencies lets .*\t.*alter role guarded_\d+ bypassrls$/,
      )
      const [, dependent] = await enqueueTwo()
      expect(dependent).toMatchObject({
        status: 409,
        body: {
          code: 'conflict',
          detail: expect.stringMatching(/row-level security policy for table "job_dependencies"; nothing was changed$/),
          hint: expect.stringContaining('doctor'),
        },
      })
      await operator.unsafe(`truncate ${tables.join(', ')}`)
      await makeOldJobs()
      // The third job has neither an attachment nor an edge.
      expect(await pruneAndUndo()).toMatchObject({ status: 200, body: { affected: 1, conflict_count: 2 } })
    } finally {
      await operator.unsafe(
        ['job_attachments', 'job_dependencies']
          .map(
            (table) => `
              drop policy reading on ${table}; drop policy removing on ${table}; drop policy writing on ${table};
              create policy admins on ${table} using (${isAdmin});`,
          )
          .join(''),
      )
    }
  })

  it('behind a pooler needs the setting on the role, which doctor says; transactions carry it anyway', async () => {
    await start({ JOBS_DB_POOLER: 'true' })
    const inTransaction = await server.sql.begin(
      (tx) => tx<{ admin: string }[]>`select current_setting('app.is_admin', true) as admin`,
    )
    expect([...inTransaction]).toEqual([{ admin: 'true' }])
    expect(await rights()).toMatch(
      /^rights\twarning\t.*lack app\.is_admin.*\ta superuser runs: alter role guarded_\d+ set app\.is_admin = 'true'$/,
    )
    expect(await post(jobPaths.enqueue, newJob())).toMatchObject({ status: 409, body: { code: 'conflict' } })
    await operator.unsafe(`alter role ${role} set app.is_admin = 'true'`)
    await start({ JOBS_DB_POOLER: 'true' })
    await makeOldJobs()
    expect(await pruneAndUndo()).toMatchObject({ status: 200, body: { affected: 3, conflict_count: 0 } })
    expect((await enqueueTwo()).map(({ status }) => status)).toEqual([201, 201])
    expect(await rights()).toMatch(/^rights\tok\t/)
  })
})
