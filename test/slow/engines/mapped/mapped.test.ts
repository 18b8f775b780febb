import type postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import {
  countDiffering,
  emailColumns,
  emailMap,
  fillEmailJobs,
  keyTypes,
  makeEmailJobs,
} from '../../../support/engines/mapped.ts'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'
import { call } from '../../../support/http.ts'
import { runJobsctl } from '../../../support/programs/jobsctl.ts'
import { sampled } from '../../../support/sample.ts'

/** What the tests read of an answer. */
const Answer = z.looseObject({
  operation_id: z
    .number()
    .nullish()
    .transform((id) => id ?? 0),
  affected: z.number().default(0),
  deleted: z.number().default(0),
  preview: z.looseObject({ count: z.number(), token: z.string() }).default({ count: 0, token: '' }),
})

const tables = [
  ...sampled(keyTypes, 2).map((key) => [key, 'one table'] as const),
  ['text', 'two partitions'] as const,
] as const

describe.each(tables)('the jobs of a mapped table with a key of type %s in %s', (key, place) => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    served = await serveMapped(emailMap, async (made) => {
      sql = made
      await makeEmailJobs(sql, key, place === 'two partitions')
      await fillEmailJobs(sql, 1000)
    })
    await sql`create table before as select *, to_jsonb(array(select null)) as none from app.email_jobs`
  })
  afterAll(() => served.close())
  beforeEach(async () => {
    await sql`delete from jobsctl.jobsctl_held_jobs`
    await sql`delete from jobsctl.jobsctl_holds`
    await sql`delete from app.email_jobs`
    await sql.unsafe(
      `insert into app.email_jobs (${await columns()}) overriding system value select ${await columns()} from before`,
    )
  })

  const columns = async () => (await emailColumns(sql)).join(', ')
  const get = (path: string, query?: Record<string, string>) => served.get(`/api/v1/jobs/${path}`, query)
  const post = async (path: string, body: object) => {
    const answer = await served.post(path, body)
    return { status: answer.status, body: Answer.parse(answer.body) }
  }
  const differing = (without?: string) => countDiffering(sql, without)

  it('are counted by queue and type', async () => {
    const { status, body } = await get('stats')
    expect(status).toBe(200)
    const groups = z
      .array(z.looseObject({ queue: z.string(), queued: z.number(), scheduled: z.number(), failed: z.number() }))
      .parse(body)
    expect(groups).toHaveLength(8)
    const sum = (of: 'queued' | 'scheduled' | 'failed') => groups.reduce((all, group) => all + group[of], 0)
    expect([sum('queued'), sum('scheduled'), sum('failed')]).toEqual([100, 100, 200])
    expect(groups[0]).not.toHaveProperty('unmapped')
  })

  it('are listed once each, page by page, and shown by their keys', async () => {
    const keys: string[] = []
    for (let path: string | undefined = '/api/v1/jobs/list?limit=300'; path !== undefined; ) {
      const answer = await call({ url: served.url, method: 'GET', path, headers: { 'x-api-key': 'key' } })
      keys.push(
        ...z
          .array(z.looseObject({ id: z.string() }))
          .parse(answer.body)
          .map(({ id }) => id),
      )
      const next = /<\?([^>]*)>; rel="next"/.exec(answer.headers.link ?? '')?.[1]
      path = next === undefined ? undefined : `/api/v1/jobs/list?${next}`
    }
    expect(new Set(keys).size).toBe(1000)
    for (const id of keys.slice(0, 3))
      expect(await get('job', { key: id })).toMatchObject({ status: 200, body: { id } })
    const [row] = await sql<[{ id: string }]>`select id::text from app.email_jobs where queue = 'mail' limit 1`
    const bare = await get('job', { key: row.id.replaceAll('%', '%25').replaceAll('/', '%2F') })
    expect(bare).toMatchObject({ status: 200, body: { queue: 'mail' } })
    expect(await get('job', { key: 'mail/none' })).toMatchObject({ status: 404 })
  })

  it.each([
    ['batch/cancel', { domain: 'app', status: ['queued'] }, 'affected', 'lock_version'] as const,
    ['batch/priority', { domain: 'app', priority: 7 }, 'affected', 'lock_version'] as const,
    [
      'batch/edit',
      {
        domain: 'app',
        set: [
          { path: 'priority', value: 3 },
          { path: 'owner_user_id', value: 'tenant "x"' },
          { path: 'job_type', value: 'another kind' },
          { path: 'available_at', value: '2031-03-30T02:30:00Z' },
        ],
      },
      'affected',
      'lock_version',
    ] as const,
    ['batch/reschedule', { domain: 'app', delay_seconds: 86_400 }, 'affected', 'lock_version'] as const,
    ['retry-now', { domain: 'app', queue: 'digest/weekly', only_failed: true }, 'affected', 'lock_version'] as const,
    [
      'prune',
      { domain: 'app', older_than_days: 1, statuses: ['completed', 'failed', 'cancelled'] },
      'deleted',
      '',
    ] as const,
  ])(
    'are changed by %s as the preview says, and an undo gives every row back',
    async (path, request, count, without) => {
      const preview = await post(path, { ...request, dry_run: true })
      expect(preview).toMatchObject({ status: 200 })
      const changed = await post(path, { ...request, preview_token: preview.body.preview.token })
      expect({ status: changed.status, count: changed.body[count] }).toEqual({
        status: 200,
        count: preview.body.preview.count,
      })
      expect(changed.body[count]).toBeGreaterThan(50)
      expect(await differing(without)).toBeGreaterThan(50)
      const back = await post(`operations/${changed.body.operation_id}/undo`, {})
      expect(back.body).toMatchObject({ affected: changed.body[count], conflict_count: 0 })
      expect(await differing(without)).toBe(0)
      const [raised] = await sql`select max(lock_version)::int as most from app.email_jobs`
      expect(raised).toEqual({ most: without === '' ? 0 : 2 })
    },
  )

  it('run again as the map sets them', async () => {
    await post('retry-now', { domain: 'app', only_failed: true })
    const [row] = await sql`
      select count(*)::int as count from app.email_jobs
      where state = 0 and tries = 0 and error is null and updated_at is null and lock_version = 1
        and run_after between (now() at time zone 'utc') - interval '1 minute' and now() at time zone 'utc'`
    expect(row).toEqual({ count: 200 })
  })

  it('are told where the map gives them no state, and are never touched', async () => {
    await sql`update app.email_jobs set state = 9 where state = 3 and queue = 'mail'`
    const { body } = await get('stats', { queue: 'mail' })
    const groups = z.array(z.looseObject({ unmapped: z.number().default(0) })).parse(body)
    expect(groups.reduce((all, { unmapped }) => all + unmapped, 0)).toBeGreaterThan(100)
    await post('prune', { domain: 'app', older_than_days: 1, statuses: ['completed', 'failed', 'cancelled'] })
    await post('retry-now', { domain: 'app', only_failed: true })
    await post('batch/cancel', { domain: 'app', status: ['queued'] })
    const [row] =
      await sql`select count(*)::int as count, max(lock_version)::int as most from app.email_jobs where state = 9`
    expect(row).toEqual({ count: groups.reduce((all, { unmapped }) => all + unmapped, 0), most: 0 })
    const env = { JOBSCTL_URL: served.url, JOBSCTL_API_KEY: 'key' }
    expect((await runJobsctl(['top', '--once', '--output', 'table'], { env })).out).toMatch(/unmapped/i)
  })

  it('stay where their id was used again, and the rest comes back', async () => {
    const { body } = await post('prune', { domain: 'app', older_than_days: 1, statuses: ['completed'] })
    await sql.unsafe(`insert into app.email_jobs (${await columns()}) overriding system value
      select ${await columns()} from before where state = 2 limit 3`)
    const back = await post(`operations/${body.operation_id}/undo`, {})
    expect(back.body).toMatchObject({
      affected: body.deleted - 3,
      conflict_count: 3,
      conflict_reasons: [{ reason: 'its id is taken', count: 3 }],
    })
    expect(await differing()).toBe(0)
  })

  it('are not changed any more once somebody has altered the table', async () => {
    await sql`alter table app.email_jobs add column extra integer default 5`
    const answer = await post('batch/cancel', { domain: 'app', status: ['queued'] })
    expect(answer).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('app.email_jobs is not as it was') },
    })
    expect(await differing('extra')).toBe(0)
    await sql`alter table app.email_jobs drop column extra`
  })
})
