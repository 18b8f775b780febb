import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import {
  addJobs,
  dead,
  fillGraphileWorker,
  makeGraphileWorker,
  oddQueues,
} from '../../support/engines/graphile-worker.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const schema = `Worker "of" O'Brien`

/** What the tests read of an answer. */
const Answer = z.looseObject({
  operation_id: z
    .number()
    .nullish()
    .transform((id) => id ?? 0),
  affected: z.number().default(0),
  deleted: z.number().default(0),
  conflict_count: z.number().default(0),
  ended_as: z.string().optional(),
  preview: z.looseObject({ count: z.number(), token: z.string() }).default({ count: 0, token: '' }),
})

describe('a change of jobs of graphile-worker', () => {
  let served: ServedTables
  let sql: postgres.Sql
  const place = () => ({ sql, schema })
  const table = () => sql(`${schema}._private_jobs`)
  beforeAll(async () => {
    served = await serveTables(
      async (made) => {
        sql = made
        await makeGraphileWorker(place())
        await fillGraphileWorker(place())
      },
      { records: 'graphile-worker' },
    )
    await sql`create table before as select *, to_jsonb(j) as whole from ${table()} as j`
  })
  afterAll(() => served.close())
  beforeEach(async () => {
    await sql`delete from jobsctl.jobsctl_held_jobs`
    await sql`delete from jobsctl.jobsctl_holds`
    await sql`delete from ${table()}`
    const columns = sql.unsafe(
      'id, job_queue_id, task_id, payload, priority, run_at, attempts, max_attempts, last_error, created_at, updated_at, key, locked_at, locked_by, revision, flags',
    )
    await sql`insert into ${table()} (${columns}) overriding system value select ${columns} from before`
  })

  const post = async (path: string, body: object) => {
    const { status, body: answer } = await served.post(path, body)
    return { status, body: Answer.parse(answer) }
  }
  /** How many jobs differ from those before. */
  const differing = async () => {
    const same = (row: string) => sql.unsafe(row)
    const [row] = await sql<[{ count: number }]>`
      select count(*)::int as count from (
        (select ${same('whole')} from before except all select ${same('to_jsonb(j)')} from ${table()} as j)
        union all
        (select ${same('to_jsonb(j)')} from ${table()} as j except all select ${same('whole')} from before)
      ) as different`
    return row.count
  }
  const undone = async (operation: number) => (await post(`operations/${operation}/undo`, {})).body
  /** Running jobs, whole, with everything that a change could touch. */
  const runningJobs = () =>
    sql`select to_jsonb(j) as whole from ${table()} as j where locked_at is not null order by id`

  it.each([
    ['batch/cancel', { domain: schema }, 'affected', 27] as const,
    ['batch/priority', { domain: schema, priority: 7 }, 'affected', 27] as const,
    ['batch/reschedule', { domain: schema, delay_seconds: 86_400 }, 'affected', 27] as const,
    ['retry-now', { domain: schema, only_failed: true }, 'affected', 16] as const,
    ['retry-now', { domain: schema, only_failed: false, spread_seconds: 60 }, 'affected', 25] as const,
    ['ttl/sweep', { domain: schema, age_seconds: 1 }, 'affected', 27] as const,
    ['prune', { domain: schema, older_than_days: 1 }, 'deleted', 16] as const,
  ])(
    'by %s %o is what the preview says, leaves running jobs alone, and an undo gives every job back',
    async (path, request, count, jobs) => {
      const before = await runningJobs()
      expect(before).toHaveLength(4)
      const previewed = () => post(path, { ...request, dry_run: true })
      // A sweep takes jobs that are a second old.
      await until('the jobs are old enough', async () => (await previewed()).body.preview.count === jobs)
      const preview = await previewed()
      expect(preview).toMatchObject({ status: 200, body: { preview: { count: jobs } } })
      const changed = await post(path, { ...request, preview_token: preview.body.preview.token })
      expect({ status: changed.status, count: changed.body[count] }).toEqual({ status: 200, count: jobs })
      expect(await differing()).toBeGreaterThan(5)
      expect(await runningJobs()).toEqual(before)
      expect(await undone(changed.body.operation_id)).toMatchObject({ affected: jobs, conflict_count: 0 })
      expect(await differing()).toBe(0)
      expect(await runningJobs()).toEqual(before)
    },
  )

  it('by a retry begins the attempts of dead jobs again, and those of waiting ones goes on', async () => {
    await post('retry-now', { domain: schema, queue: '_', only_failed: false })
    const rows = await sql`
      select attempts::int, max_attempts::int, count(*)::int, bool_and(run_at <= now()) as due
      from ${table()} where locked_at is null and last_error is not null and job_queue_id is null group by 1, 2 order by 1`
    expect(rows).toMatchObject([
      { attempts: 0, max_attempts: 3, count: 10, due: true },
      { attempts: 2, max_attempts: 25, count: 5, due: true },
    ])
  })

  it('by a cancel of a running job says that none ends it, and names no command that is refused', async () => {
    const [job] = await sql<
      { id: string }[]
    >`select id::text from ${table()} where locked_at is not null and job_queue_id is null limit 1`
    const key = `_/${job?.id}`
    for (const words of [[key], ['--ids-file', '-', '--domain', schema, '--must-exist']]) {
      const { err } = await runJobsctl(['cancel', '--dry-run', '--url', served.url, ...words], {
        env: { JOBSCTL_API_KEY: 'key' },
        stdin: key,
      })
      expect(err).toContain(`job ${key} is running: a running job of graphile-worker cannot be ended`)
      expect(err).toContain(`jobsctl --url ${served.url} workers`)
      expect(err).not.toMatch(/--force|outside of the filter/)
    }
  })

  it('by a requeue are refused, also where no id names one', async () => {
    const { code, err } = await served.jobsctl('requeue', '--all', '--dry-run')
    expect({ code, err }).toEqual({
      code: 2,
      err: 'error: graphile-worker quarantines no jobs; nothing was changed\n  hint: jobsctl retry runs failed jobs again\n',
    })
  })

  it('by a cancel makes them failed, which the answer and the events say', async () => {
    const env = { JOBSCTL_URL: served.url, JOBSCTL_API_KEY: 'key' }
    const { out, err, code } = await runJobsctl(['cancel', '--domain', schema, '--queue', '_', '--yes', '--json'], {
      env,
    })
    expect({ code, out: JSON.parse(out) }).toMatchObject({ code: 0, out: { affected: 21, ended_as: 'failed' } })
    expect(err).toContain('the engine has no cancelled jobs: these are failed')
    const events = await sql<{ event_type: string }[]>`
      select distinct event_type from jobsctl.job_events where event_type in ('job.failed', 'job.cancelled') and queue = '_'`
    expect(events.map(({ event_type }) => event_type)).toEqual(['job.failed'])
    const [row] = await sql`
      select count(*)::int from ${table()} where last_error ~ '^failed by operation [0-9]+ of jobs-server$' and attempts = max_attempts`
    expect(row).toEqual({ count: 21 })
  })

  it('takes no running job, however long it runs, and none by its number', async () => {
    const before = await runningJobs()
    const [{ id }] = await sql<[{ id: number }]>`select id::int from ${table()} where locked_by = 'pool-old' limit 1`
    for (const [path, body] of [
      ['batch/cancel', { domain: schema, force: true }],
      ['batch/cancel', { domain: schema, status: ['processing'] }],
      ['ttl/sweep', { domain: schema, runtime_seconds: 1 }],
    ] as const) {
      const answer = await call({
        ...{ url: served.url, method: 'POST', path: `/api/v1/jobs/${path}`, body },
        headers: { 'x-api-key': 'key', 'x-confirm': 'true' },
      })
      expect(answer).toMatchObject({ status: 422, body: { code: 'not_supported' } })
    }
    expect((await post('batch/cancel', { ids: [id] })).body).toMatchObject({ affected: 0 })
    expect((await post('batch/priority', { ids: [id], priority: 3 })).body).toMatchObject({ affected: 0 })
    expect((await post('batch/reschedule', { ids: [id], delay_seconds: 60 })).body).toMatchObject({ affected: 0 })
    expect(await runningJobs()).toEqual(before)
  })

  it('frees no pool that may live, and says why of each job that it has had for long', async () => {
    const before = await runningJobs()
    const fix = (body: object, headers: object = { 'x-confirm': 'true' }) =>
      call({
        ...{ url: served.url, method: 'POST', path: '/api/v1/jobs/integrity/sweep' },
        ...{ headers: { 'x-api-key': 'key', ...headers }, body },
      })
    // PostgreSQL started after these locks: each living pool has connected again, and one has.
    const listening = postgres(served.env.JOBS_DB_URL ?? '', { max: 1 })
    await listening`listen "jobs:insert"`
    const refused = {
      refused_count: 3,
      refused: expect.arrayContaining([
        expect.objectContaining({ reason: expect.stringMatching(/^its pool may live: PostgreSQL /) }),
      ]),
    }
    expect(await fix({})).toMatchObject({
      status: 200,
      body: { ...refused, fixed: 0, preview: { count: 0 }, checks: expect.any(Array) },
    })
    expect(await fix({ fix: true, worker_id: 'pool-old' })).toMatchObject({
      status: 200,
      body: { ...refused, fixed: 0 },
    })
    expect(await fix({ fix: true }, {})).toMatchObject({ status: 400, body: { code: 'confirmation_required' } })
    for (const narrower of [
      { queue: '_' },
      { job_type: 'mail' },
      { status: ['processing'] },
      { ids: [1] },
      { stale: true },
    ])
      expect(await fix({ fix: true, domain: schema, ...narrower })).toMatchObject({
        status: 422,
        body: { code: 'not_supported' },
      })
    await listening.end()
    expect(await runningJobs()).toEqual(before)
  })

  it('passes over a job that a worker takes between the preview and the change', async () => {
    const request = { domain: schema, queue: '_', only_failed: true }
    const preview = await post('retry-now', { ...request, dry_run: true })
    await sql`
      update ${table()} set locked_at = now() - interval '5 hours', locked_by = 'pool-late'
      where id in (select id from ${table()} where is_available = false and locked_at is null and job_queue_id is null limit 3)`
    const changed = await post('retry-now', { ...request, preview_token: preview.body.preview.token })
    expect(changed.body.affected).toBe(7)
    const rows = await sql`select attempts::int from ${table()} where locked_by = 'pool-late'`
    expect(rows.map(({ attempts }) => attempts)).toEqual([3, 3, 3])
  })

  it('does not give back by an undo what has gone on since', async () => {
    const { body } = await post('retry-now', { domain: schema, queue: '_', only_failed: true })
    await sql`
      update ${table()} set locked_at = now(), locked_by = 'pool-new', attempts = 1
      where id in (select id from ${table()} where last_error like 'no answer%' and attempts = 0 limit 4)`
    await sql`delete from ${table()} where id in (select id from ${table()} where last_error like 'no answer%' and attempts = 0 limit 1)`
    expect(await undone(body.operation_id)).toMatchObject({ affected: 5, conflict_count: 5 })
    const [row] =
      await sql`select count(*)::int from ${table()} where locked_by = 'pool-new' and attempts = 1 and max_attempts = 3`
    expect(row).toEqual({ count: 4 })
  })

  it('restores no job whose task, queue or key is gone or taken', async () => {
    await addJobs(place(), { task: 'gone', columns: { ...dead, key: `'taken'` } })
    await addJobs(place(), { task: 'short-lived', columns: dead })
    await addJobs(place(), { task: 'mail', queue: 'gone too', columns: dead })
    const { body } = await post('prune', { domain: schema, older_than_days: 1 })
    expect(body.deleted).toBe(19)
    await sql`delete from ${sql(`${schema}._private_tasks`)} where identifier = 'short-lived'`
    await sql`delete from ${sql(`${schema}._private_job_queues`)} where queue_name = 'gone too'`
    await addJobs(place(), { task: 'gone', columns: { key: `'taken'` } })
    const answer = await undone(body.operation_id)
    expect(answer).toMatchObject({ affected: 16, conflict_count: 3 })
    const text = JSON.stringify(answer)
    for (const why of ['cleaned up its task', 'cleaned up its queue', 'its job key was used again'])
      expect(text).toContain(why)
  })

  it('shows a job of the archive by the name of its queue, whose row is gone', async () => {
    const [job] = await sql<[{ id: number }]>`
      select j.id::int from ${table()} as j join ${sql(`${schema}._private_job_queues`)} as q on q.id = job_queue_id
      where queue_name = ${oddQueues.under} and attempts = 3`
    await post('prune', { domain: schema, older_than_days: 1, queue: '__' })
    const { body } = await call({
      ...{ url: served.url, method: 'GET', path: `/api/v1/jobs/job?key=__/${job.id}`, headers: { 'x-api-key': 'key' } },
    })
    expect(body).toMatchObject({ archived: true, queue: '__', status: 'failed', payload: {} })
  })

  it('ends when graphile-worker has migrated its tables', async () => {
    await sql`insert into ${sql(`${schema}.migrations`)} (id) values (21)`
    try {
      const { status } = await post('retry-now', { domain: schema, only_failed: true })
      expect(status).toBe(409)
      expect(await differing()).toBe(0)
    } finally {
      await sql`delete from ${sql(`${schema}.migrations`)} where id = 21`
    }
  })
})
