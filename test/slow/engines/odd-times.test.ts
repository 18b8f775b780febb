import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { addJobs, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

/** The first and the last time of PostgreSQL, and what is beyond. */
const times = ['infinity', '-infinity', '294276-12-31 23:59:59Z', '4713-01-01 00:00:00Z BC', '10000-01-01 00:00:00Z']
const states = ['created', 'retry', 'active', 'completed', 'cancelled', 'failed']

const Answer = z.looseObject({
  operation_id: z.number().nullish(),
  affected: z.number().default(0),
  deleted: z.number().default(0),
})

const engines = [
  ...([37, 46] as const).map((version) => ({
    ...{ engine: 'pg-boss', domain: 'pgboss', table: 'pgboss.job', jobs: times.length * states.length },
    named: `pg-boss with schema ${version}`,
    async make(sql: Parameters<typeof makeGraphileWorker>[0]['sql']) {
      await makePgBoss({ sql, version })
      await makeQueue({ sql, version }, 'mail')
      await sql`
        insert into pgboss.job (name, state, created_on, start_after, started_on, completed_on, keep_until, heartbeat_on, heartbeat_seconds, retry_count)
        select 'mail', state::pgboss.job_state, at, at, at, case when state >= 'completed' then at end, at, at, 60, 2147483647
        from unnest(${times}::text[]::timestamptz[]) as times (at), unnest(${states}::text[]::pgboss.job_state[]) as states (state)`
    },
    /** What an undo is not said to give back. */
    without: `- 'keep_until' - 'deletion_seconds'`,
  })),
  {
    ...{ engine: 'graphile-worker', domain: 'graphile_worker', table: 'graphile_worker._private_jobs' },
    ...{ named: 'graphile-worker', jobs: times.length * 3, without: '' },
    async make(sql: Parameters<typeof makeGraphileWorker>[0]['sql']) {
      await makeGraphileWorker({ sql })
      for (const time of times) {
        const at = `'${time}'::timestamptz`
        const all = { run_at: at, created_at: at, updated_at: at }
        await addJobs({ sql }, { task: 'mail', columns: all })
        await addJobs({ sql }, { task: 'mail', columns: { ...all, attempts: '25', last_error: `'no answer'` } })
        await addJobs({ sql }, { task: 'mail', columns: { ...all, attempts: '1', locked_at: at, locked_by: `'w'` } })
      }
    },
  },
]

describe.each(engines)('jobs of $named at the ends of time', ({ engine, domain, table, jobs, make, without }) => {
  let served: ServedTables
  beforeAll(async () => {
    served = await serveTables(make, { records: engine, env: { JOBS_METRICS: 'on' } })
  })
  afterAll(() => served.close())

  it('end no read of all jobs, and none of one job', async () => {
    const { body, status } = await served.get('/api/v1/jobs/list', { limit: '1000' })
    expect({ status, body }).toMatchObject({ status: 200 })
    const ids = z
      .array(z.object({ id: z.string() }))
      .parse(body)
      .map(({ id }) => id)
    expect(new Set(ids).size).toBe(jobs)
    const reads = ['list?sort_by=ended_at', 'list?sort_by=priority', 'list?stale=true', 'stats', 'clusters', 'workers']
    const others = [
      'stale',
      'overview',
      'history',
      `queues/explain?domain=${domain}&queue=${engine === 'pg-boss' ? 'mail' : '_'}`,
    ]
    const ofJobs = ids.flatMap((id) => [
      `job?key=${encodeURIComponent(id)}`,
      `job/explain?key=${encodeURIComponent(id)}`,
    ])
    for (const path of [...reads, ...others, ...ofJobs]) {
      const answer = await served.get(`/api/v1/jobs/${path}`)
      expect({ path, status: answer.status, body: answer.body }).toMatchObject({ path, status: 200 })
    }
    expect((await served.get('/metrics/jobs')).status).toBe(200)
    expect((await served.post('integrity/sweep', { domain })).status).toBe(200)
  })

  it('are changed and given back', async () => {
    const rows = () => served.sql.unsafe(`select to_jsonb(j) ${without} as row from ${table} as j order by 1`)
    const before = await rows()
    const ended = {
      older_than_days: 1,
      statuses: engine === 'pg-boss' ? ['completed', 'failed', 'cancelled'] : ['failed'],
    }
    for (const [path, request] of [
      ['prune', ended],
      ['batch/cancel', {}],
      ['batch/priority', { priority: 3 }],
      ['batch/reschedule', { delay_seconds: 60 }],
    ] as const) {
      const { status, body } = await served.post(path, { domain, ...request })
      expect({ path, status, body }).toMatchObject({ path, status: 200 })
      const { operation_id: operation, affected, deleted } = Answer.parse(body)
      expect(affected + deleted).toBeGreaterThan(0)
      const undone = await served.post(`operations/${operation}/undo`, {})
      expect({ path, body: undone.body }).toMatchObject({
        path,
        body: { affected: affected + deleted, conflict_count: 0 },
      })
      expect(await rows()).toEqual(before)
    }
  })
})
