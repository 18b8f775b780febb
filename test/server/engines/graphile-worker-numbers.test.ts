import type postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { addJobs, dead, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

const Rows = z.array(z.looseObject({ id: z.string(), domain: z.string() }))

const schemas = ['one', 'two'] as const
/** The jobs of both schemas have the numbers 1 to 8. Those of `two` are in a queue, and 5 to 8 are dead. */
const keyIn = { one: '_', two: 'mail' } as const
const other = { one: 'two', two: 'one' } as const
const until = new Date(Date.now() + 86_400_000).toISOString()

describe('jobs of graphile-worker with the same number in two schemas', () => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    served = await serveTables(
      async (made) => {
        sql = made
        for (const schema of schemas) {
          await makeGraphileWorker({ sql, schema })
          const queue = schema === 'two' ? { queue: 'mail' } : {}
          await addJobs({ sql, schema }, { task: 'send', ...queue, count: 4 })
          await addJobs({ sql, schema }, { task: 'send', ...queue, count: 4, columns: dead })
          await sql.unsafe(`create table before_${schema} as table ${schema}._private_jobs`)
        }
      },
      { records: 'graphile-worker' },
    )
  })
  afterAll(() => served.close())
  beforeEach(async () => {
    await sql`delete from jobsctl.jobsctl_holds`
    const columns =
      'id, job_queue_id, task_id, payload, priority, run_at, attempts, max_attempts, last_error, created_at, updated_at'
    for (const schema of schemas)
      await sql.unsafe(`delete from ${schema}._private_jobs;
        insert into ${schema}._private_jobs (${columns}) overriding system value select ${columns} from before_${schema}`)
    await sql`delete from jobsctl.graphile_worker_archive`
  })

  /** The numbers of the jobs of a schema that are not as they were. */
  const differing = async (schema: string) => {
    const rows = await sql.unsafe<{ id: number }[]>(`
      select id::int from before_${schema} as b
      where not exists (select from ${schema}._private_jobs as j where j.id = b.id and to_jsonb(j) = to_jsonb(b)) order by id`)
    return rows.map(({ id }) => id)
  }
  const prune = (domain: string) => served.post('prune', { domain, older_than_days: 1 })
  const inTwoDomains = {
    status: 422,
    body: {
      code: 'not_supported',
      detail: expect.stringContaining('the ids are of jobs in 2 domains'),
      hint: expect.stringContaining('--domain one, --domain two'),
    },
  }

  const calls: [string, number, object][] = [
    ['batch/cancel', 2, { job_id: 2 }],
    ['batch/cancel', 2, { ids: [2] }],
    ['batch/priority', 2, { ids: [2], priority: 3 }],
    ['batch/reschedule', 2, { ids: [2], delay_seconds: 60 }],
    ['retry-now', 6, { job_id: 6 }],
    ['retry-now', 6, { ids: [6], only_failed: true }],
    ['erase', 6, { ids: [6] }],
  ]
  describe.each(calls)('by %s of %i, %o', (path, number, body) => {
    it('is refused without a domain, and previews nothing', async () => {
      expect(await served.post(path, body)).toMatchObject(inTwoDomains)
      expect(await served.post(path, { ...body, dry_run: true })).toMatchObject(inTwoDomains)
      expect([await differing('one'), await differing('two')]).toEqual([[], []])
    })
    it.each(schemas)('is of %s alone where it has its domain', async (domain) => {
      expect(await served.post(path, { ...body, domain })).toMatchObject({ status: 200, body: { affected: 1 } })
      expect([await differing(domain), await differing(other[domain])]).toEqual([[number], []])
    })
  })

  it.each(['job', 'job/explain'])('is refused by GET %s without a domain', async (path) => {
    expect(await served.get(`/api/v1/jobs/${path}`, { key: '2' })).toMatchObject(inTwoDomains)
    for (const domain of schemas)
      expect(await served.get(`/api/v1/jobs/${path}`, { key: '2', domain })).toMatchObject({ status: 200 })
  })

  it('are both in a list, and are both held', async () => {
    const { body } = await served.get('/api/v1/jobs/list', { ids: '6' })
    const ids = Rows.parse(body).map(({ domain, id }) => `${domain} ${id}`)
    expect(ids.toSorted()).toEqual(['one _/6', 'two mail/6'])
    expect(await served.post('holds', { ids: [6], until })).toMatchObject({ status: 201, body: { jobs: 2 } })
    for (const domain of schemas) expect(await prune(domain)).toMatchObject({ body: { deleted: 3, kept_by_hold: 1 } })
  })

  it.each(schemas)('is the job of %s for jobsctl with --domain', async (domain) => {
    const key = `${keyIn[domain]}/2`
    const changed = await served.jobsctl('cancel', '2', '--domain', domain, '--yes', '--json')
    expect(changed).toMatchObject({ code: 0 })
    expect([await differing(domain), await differing(other[domain])]).toEqual([[2], []])
    expect((await served.jobsctl('retry', '2', '--domain', domain, '--yes')).code).toBe(0)
    expect((await served.jobsctl('priority', '2', '3', '--to', '3', '--domain', domain, '--yes')).code).toBe(0)
    expect((await served.jobsctl('cancel', '6', '--domain', domain, '--yes')).err).toContain(
      `job ${keyIn[domain]}/6 is failed`,
    )
    expect((await served.jobsctl('show', '2', '--domain', domain, '--json')).out).toContain(`"id":"${key}"`)
    expect(await differing(other[domain])).toEqual([])
  })

  it('without a domain leads jobsctl to words that it takes, and to none for a hold', async () => {
    const refused = await served.jobsctl('cancel', '2', '--yes')
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('--domain one, --domain two') })
    const held = await served.jobsctl('hold', 'add', '2', '--domain', 'one', '--until', '1d')
    expect(held).toMatchObject({ code: 2, err: expect.stringContaining('in every domain') })
    expect(await sql`select from jobsctl.jobsctl_holds`).toHaveLength(0)
    expect((await served.jobsctl('hold', 'add', '2', '--until', '1d')).out).toContain('Held 2 jobs')
  })

  it('names a deleted job, which is shown, explained, held and erased', async () => {
    await prune('one')
    await sql`delete from two._private_jobs where id > 4`
    for (const [path, body] of [
      ['job', { id: '_/6', domain: 'one', archived: true }],
      ['job/explain', { reasons: expect.any(Array) }],
    ] as const)
      for (const query of [{}, { domain: 'one' }])
        expect(await served.get(`/api/v1/jobs/${path}`, { key: '6', ...query })).toMatchObject({ status: 200, body })
    expect(await served.post('holds', { ids: [7], until })).toMatchObject({ status: 201, body: { jobs: 1 } })
    expect(await served.post('erase', { ids: [6] })).toMatchObject({ status: 200, body: { affected: 1 } })
    const left = await sql`select id::int from jobsctl.graphile_worker_archive order by id`
    expect(left.map(({ id }) => id)).toEqual([5, 7, 8])
  })
})
