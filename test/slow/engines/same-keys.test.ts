import type postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { mapFile } from '../../support/engines/mapped.ts'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'

const Answer = z.looseObject({
  operation_id: z
    .number()
    .nullish()
    .transform((id) => id ?? 0),
  deleted: z.number().default(0),
  affected: z.number().default(0),
  kept_by_hold: z.number().optional(),
})
const Rows = z.array(z.looseObject({ id: z.string(), status: z.string() }))
const Shown = z.looseObject({ events: z.array(z.looseObject({ event_type: z.string() })) })

const queue = `mail/é 100% "x" 'y'`
/** Of each schema eight jobs are completed, four have failed, and two wait. */
const state = `case when n <= 8 then 'completed' when n <= 12 then 'failed' else 'created' end`
const ended = `case when n <= 12 then now() - interval '5 days' end`

const mapOf = (schema: string) => `
  - table: ${schema}.job
    key: id
    queue: {column: name}
    status: {column: state, map: {created: queued, active: processing, completed: completed, failed: failed}}
    times: {created: created_on, ended: completed_on}
    owner: {column: group_id}
    priority: {column: priority}
    retry: {set: {state: created, completed_on: null}}
    prune: {of: [completed, failed]}`

const engines = {
  mapped: {
    archive: 'mapped_archive',
    env: async () => ({ JOBS_MAP_FILE: await mapFile(`tables:${['one', 'two'].map(mapOf).join('')}\n`) }),
    make: async (sql: postgres.Sql, schema: string) => {
      await sql.unsafe(`
        create schema ${schema};
        create table ${schema}.job (
          id text primary key, name text, state text, priority integer default 5, created_on timestamptz default now(), completed_on timestamptz,
          group_id text
        )`)
      await sql`
        insert into ${sql(`${schema}.job`)} (id, name, state, created_on, completed_on, group_id)
        select n || ${`/ü "q" \\ 'x' %2F`}, ${queue}, ${sql.unsafe(state)}, now() - interval '9 days', ${sql.unsafe(ended)}, 'ann'
        from generate_series(1, 14) as n`
    },
  },
  'pg-boss': {
    archive: 'pgboss_archive',
    env: async () => ({}),
    make: async (sql: postgres.Sql, schema: string) => {
      await makePgBoss({ sql, version: 46, schema })
      await makeQueue({ sql, version: 46, schema }, queue)
      await sql`
        insert into ${sql(`${schema}.job`)} (id, name, state, created_on, completed_on, group_id)
        select lpad(n::text, 32, '0')::uuid, ${queue}, (${sql.unsafe(state)})::${sql(`${schema}.job_state`)}, now() - interval '9 days',
          ${sql.unsafe(ended)}, 'ann'
        from generate_series(1, 14) as n`
    },
  },
}

describe.each(['mapped', 'pg-boss'] as const)('two tables of %s whose jobs have the same keys', (engine) => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    const { env, make } = engines[engine]
    served = await serveTables(
      async (made) => {
        sql = made
        for (const schema of ['one', 'two']) {
          await make(sql, schema)
          await sql.unsafe(`create table before_${schema} as table ${schema}.job`)
        }
      },
      { records: engine, env: await env() },
    )
  })
  afterAll(() => served.close())
  beforeEach(async () => {
    for (const schema of ['one', 'two'])
      await sql.unsafe(`delete from ${schema}.job; insert into ${schema}.job select * from before_${schema}`)
    for (const table of [
      engines[engine].archive,
      'jobsctl_held_jobs',
      'jobsctl_holds',
      'job_operation_rows',
      'job_events',
      'jobsctl_operation_terms',
    ])
      await sql`delete from ${sql(`jobsctl.${table}`)}`
  })

  interface At {
    url: string
  }
  const postTo = async ({ url }: At, path: string, body: object) => {
    const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
    const answer = await call({ url, method: 'POST', path: `/api/v1/jobs/${path}`, headers, body })
    expect(answer).toMatchObject({ status: path === 'holds' ? 201 : 200 })
    return Answer.parse(answer.body)
  }
  const post = (path: string, body: object) => postTo(served, path, body)
  const prune = (domain: string, at: At = served) =>
    postTo(at, 'prune', { domain, older_than_days: 1, statuses: ['completed'] })
  const undo = (operation: number, at: At = served) => postTo(at, `operations/${operation}/undo`, {})
  /** The keys of the jobs in a state, which both tables have. */
  const keysOf = async (status: string) => {
    const { body } = await served.get('/api/v1/jobs/list', { domain: 'one', status, limit: '100' })
    return Rows.parse(body).map(({ id }) => id)
  }
  /** How many jobs of a table are not as they were. An undo lets pg-boss keep them for longer. */
  const differing = async (schema: string) => {
    const whole = `to_jsonb(j) - 'keep_until' - 'deletion_seconds'`
    const [row] = await sql.unsafe<{ count: number }[]>(`
      select count(*)::int as count from (select ${whole} from before_${schema} as j except all select ${whole} from ${schema}.job as j) as gone`)
    return row?.count
  }
  const eventsOf = async (key: string, domain: string) => {
    const { body } = await served.get('/api/v1/jobs/job', { key, domain })
    return Shown.parse(body).events.map(({ event_type }) => event_type)
  }
  /** Runs with a server for which each table has the domain that the other one had. */
  const withDomainsSwapped = async (run: (at: At) => Promise<void>) => {
    const other = await startServer({ ...served.env, JOBS_ENGINE_DOMAIN: 'one:two,two:one' })
    await other.prepared
    await run(other).finally(() => other.stop())
  }

  it('holds what an undo gives back in its own table alone, and a prune says how many it left', async () => {
    const { operation_id: operation, deleted } = await prune('one')
    expect([deleted, (await undo(operation)).affected]).toEqual([8, 8])
    expect(await prune('one')).toMatchObject({ deleted: 0, kept_by_hold: 8 })
    const other = await prune('two')
    expect([other.deleted, other.kept_by_hold]).toEqual([8, undefined])
    expect((await undo(other.operation_id)).affected).toBe(8)
    expect([await differing('one'), await differing('two')]).toEqual([0, 0])
  })

  it('is told by jobsctl how many jobs a hold keeps, beside deleted ones and where none is deleted', async () => {
    await undo((await prune('one')).operation_id)
    const jobsctl = async (...more: string[]) => {
      const { code, out, err } = await served.jobsctl(
        'prune',
        '--domain',
        'one',
        '--older-than',
        '1d',
        '--yes',
        ...more,
      )
      return { code, text: out + err }
    }
    const beside = await jobsctl()
    expect(beside).toEqual({
      code: 0,
      text: expect.stringMatching(/^deleted 4 jobs in one$.*^note: 8 jobs stay, since a hold keeps them$/ms),
    })
    expect(await jobsctl()).toEqual({ code: 0, text: expect.stringContaining('; a hold keeps 8 more') })
    expect(JSON.parse((await jobsctl('--json')).text)).toMatchObject({ operation: 'prune', kept_by_hold: 8 })
  })

  it.each([
    ['keys', 2, (ids: string[]) => ({ ids })],
    ['a queue and an owner', 14, () => ({ queue, owner_user_id: 'ann' })],
    ['an owner', 14, () => ({ owner_user_id: 'ann' })],
  ])('erases images and events of its own table alone, by %s', async (_, affected, filter) => {
    const ids = (await keysOf('failed')).slice(0, 2)
    const retried = { only_failed: true, queue }
    expect(await post('retry-now', { ...retried, domain: 'one' })).toMatchObject({ affected: 4 })
    const other = await post('retry-now', { ...retried, domain: 'two' })
    const count = affected === 2 ? 2 : 4
    expect(await post('erase', { domain: 'one', ...filter(ids) })).toMatchObject({
      ...{ affected, erased: { row_images: count, events: count } },
    })
    const [left] = await sql`
      select
        (select count(*)::int from jobsctl.job_events where job_key is not null and attrs_json -> 'erased' is null and domain = 'two') as events,
        (select count(*)::int from jobsctl.job_operation_rows where operation_id = ${other.operation_id}) as images`
    expect(left).toEqual({ events: 4, images: 4 })
    expect(await undo(other.operation_id)).toMatchObject({ affected: 4, conflict_count: 0 })
    expect(await differing('two')).toBe(0)
  })

  it('erases what is left of jobs that are gone in its own table alone', async () => {
    const ids = await keysOf('failed')
    for (const domain of ['one', 'two']) await post('retry-now', { only_failed: true, domain })
    await sql`delete from one.job`
    expect(await post('erase', { domain: 'one', ids })).toMatchObject({
      affected: 4,
      erased: { gone: 4, row_images: 4, events: 4 },
    })
    expect(await post('erase', { domain: 'one', ids })).toMatchObject({ affected: 0 })
    for (const id of ids) expect(await eventsOf(id, 'two')).toEqual(['job.retried'])
  })

  it('shows the events of a job of its own table alone', async () => {
    const [key = ''] = await keysOf('failed')
    await post('retry-now', { only_failed: true, domain: 'one' })
    expect([await eventsOf(key, 'one'), await eventsOf(key, 'two')]).toEqual([['job.retried'], []])
  })

  it('holds single jobs and those of an operation in their own table alone', async () => {
    const until = new Date(Date.now() + 86_400_000).toISOString()
    const { operation_id } = await post('retry-now', { only_failed: true, domain: 'one' })
    await post('holds', { operation_id, until })
    await sql`update one.job set state = 'completed', completed_on = now() - interval '5 days'`
    await sql`update two.job set state = 'completed', completed_on = now() - interval '5 days'`
    expect(await prune('one')).toMatchObject({ deleted: 10, kept_by_hold: 4 })
    const other = await prune('two')
    expect([other.deleted, other.kept_by_hold]).toEqual([14, undefined])
  })

  it('finds a table by itself once it has another domain: its holds, its images, its archive and its events', async () => {
    const until = new Date(Date.now() + 86_400_000).toISOString()
    await post('holds', { domain: 'one', status: ['failed'], until })
    const pruned = await prune('one')
    await undo(pruned.operation_id)
    const again = await prune('two')
    const retried = await post('retry-now', { only_failed: true, domain: 'two' })
    const [key = ''] = await keysOf('failed')
    await withDomainsSwapped(async (at) => {
      expect(await prune('two', at)).toMatchObject({ deleted: 0, kept_by_hold: 8 })
      const failed = { older_than_days: 1, statuses: ['failed'] }
      expect(await postTo(at, 'prune', { ...failed, domain: 'two' })).toMatchObject({ deleted: 0, kept_by_hold: 4 })
      const erased = await postTo(at, 'erase', { domain: 'two', ids: [key] })
      expect(erased).toMatchObject({ affected: 0, passed_over: { held: 1 } })
      expect(await undo(retried.operation_id, at)).toMatchObject({ affected: 4, conflict_count: 0 })
      expect(await undo(again.operation_id, at)).toMatchObject({ affected: 8, conflict_count: 0 })
      expect([await differing('one'), await differing('two')]).toEqual([0, 0])
    })
  })

  it('keeps jobs by a hold of a table that is not there any more: the table may have got another name', async () => {
    await undo((await prune('one')).operation_id)
    await sql`update jobsctl.jobsctl_holds set place = 'one.before'`
    expect(await prune('one')).toMatchObject({ deleted: 0, kept_by_hold: 8 })
    await sql`update jobsctl.jobsctl_holds set place = null`
    expect(await prune('one')).toMatchObject({ deleted: 0, kept_by_hold: 8 })
  })

  it('is left alone by a server of the other table, which refuses its undo and erases nothing of it', async () => {
    const alone = await startServer({ ...served.env, JOBS_ENGINE_SCHEMA: 'two' })
    await alone.prepared
    const ids = await keysOf('failed')
    // A server of one table writes no domain into its records.
    await postTo(alone, 'retry-now', { only_failed: true, queue })
    const { operation_id } = await post('retry-now', { only_failed: true, domain: 'one' })
    const headers = { 'x-api-key': 'key', 'x-confirm': 'true' }
    const path = `/api/v1/jobs/operations/${operation_id}/undo`
    expect(await call({ url: alone.url, method: 'POST', path, headers, body: {} })).toMatchObject({
      status: 409,
      body: {
        detail: `operation ${operation_id} has changed jobs of one.job in the domain one, which this server does not serve; nothing was changed`,
      },
    })
    expect(await postTo(alone, 'erase', { ids })).toMatchObject({ affected: 4, erased: { row_images: 4, events: 4 } })
    await alone.stop()
    expect(await undo(operation_id)).toMatchObject({ affected: 4, conflict_count: 0 })
    expect(await differing('one')).toBe(0)
  })
})

it('erases no event of another engine with our own jobs of an owner', async () => {
  const { env, make } = engines.mapped
  const served = await serveTables(
    async (sql) => {
      for (const schema of ['one', 'two']) await make(sql, schema)
    },
    { records: 'own,mapped', env: { ...(await env()), JOBS_ENGINE: 'own,mapped' } },
  )
  expect(await served.post('retry-now', { only_failed: true, domain: 'one' })).toMatchObject({ body: { affected: 4 } })
  expect(await served.post('erase', { owner_user_id: 'ann' })).toMatchObject({ status: 200, body: { affected: 0 } })
  const owners = await served.sql`select count(*)::int as count from job_events where owner_user_id = 'ann'`
  expect([...owners]).toEqual([{ count: 4 }])
  await served.close()
})
