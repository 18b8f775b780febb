import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { changedVersions, countIds, fillBullMq, makeBullMq, oddQueues } from '../../support/engines/bullmq.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const schema = `Bull "MQ" O'Brien`
const slashed = `a/b "c" 'd'`
const tables = ['job', 'job_log', 'job_dependency', 'dedup', 'meta'] as const

/** What the tests read of an answer. */
const Answer = z.looseObject({
  operation_id: z
    .number()
    .nullish()
    .transform((id) => id ?? 0),
  affected: z.number().default(0),
  deleted: z.number().default(0),
  refused_count: z.number().default(0),
  refused: z.array(z.object({ job_id: z.string(), reason: z.string() })).default([]),
})

describe.each(changedVersions)('a change of jobs of BullMQ with schema %i', (version) => {
  let served: ServedTables
  let sql: postgres.Sql
  const of = (table: string) => sql(`${schema}.${table}`)
  beforeAll(async () => {
    served = await serveTables(
      async (made) => {
        sql = made
        await makeBullMq({ sql, version, schema })
        await fillBullMq({ sql, version, schema })
        await sql`update ${of('job')} set queue = ${slashed} where queue = ${oddQueues.odd}`
        await countIds({ sql, schema }, slashed, 50)
        await sql`update ${of('job')} set finished_at_ms = finished_at_ms - 172800000 where finished_at_ms is not null`
      },
      { records: 'bullmq' },
    )
    for (const table of tables) await sql`create table ${sql(`before_${table}`)} as select * from ${of(table)}`
  })
  afterAll(() => served.close())
  beforeEach(async () => {
    await sql`delete from jobsctl.jobsctl_held_jobs`
    await sql`delete from jobsctl.jobsctl_holds`
    for (const table of tables.toReversed()) await sql`delete from ${of(table)}`
    for (const table of tables) await sql`insert into ${of(table)} select * from ${sql(`before_${table}`)}`
    await sql`delete from ${of('event')}`
  })

  const post = async (path: string, body: object) => {
    const { status, body: answer } = await served.post(path, body)
    return { status, body: Answer.parse(answer) }
  }
  const undone = async (operation: number) => (await post(`operations/${operation}/undo`, {})).body
  const scope = { domain: schema }
  /** How many rows of these tables are other than before. */
  const differing = async (...names: string[]) => {
    let count = 0
    for (const name of names) {
      const [row] = await sql<[{ count: number }]>`
        select count(*)::int as count from (
          (select to_jsonb(b) from ${sql(`before_${name}`)} as b except all select to_jsonb(a) from ${of(name)} as a)
          union all
          (select to_jsonb(a) from ${of(name)} as a except all select to_jsonb(b) from ${sql(`before_${name}`)} as b)
        ) as different`
      count += row.count
    }
    return count
  }
  const job = async (queue: string, id: string) => {
    const [row] = await sql<
      {
        state: string
        failed_reason: string | null
        pending_deps: number
        process_at_ms: string | null
        priority: number
      }[]
    >`select state, failed_reason, pending_deps, process_at_ms, priority from ${of('job')} where queue = ${queue} and id = ${id}`
    return row
  }
  const edge = async (id: string) => {
    const [row] = await sql<{ status: string; value: unknown }[]>`
      select status, value from ${of('job_dependency')} where child_id = ${id}`
    return row
  }
  /** The queues that `act` wakes workers of. */
  const wakes = async (act: () => Promise<unknown>) => {
    const queues: string[] = []
    const listener = postgres(served.env.JOBS_DB_URL ?? '', { max: 1 })
    await listener.listen('bullmq_jobs', (queue) => queues.push(queue))
    await act()
    await listener.notify('bullmq_jobs', 'last')
    await until('the signs have come', () => Promise.resolve(queues.includes('last')))
    await listener.end()
    return queues.filter((queue) => queue !== 'last').toSorted()
  }
  const events = () => sql<{ queue: string; event: string; data: { jobId?: string; prev?: string } }[]>`
    select queue, event, data from ${of('event')} order by id`

  it('says in stats and in an undo where ended jobs vanish by themselves', async () => {
    const [odd, plain] = [slashed, oddQueues.plain]
    const completed = (queue: string, opts: object) => sql`
      update ${of('job')} set opts = ${JSON.stringify(opts)}::text::jsonb where queue = ${queue} and state = 'completed'`
    await completed(odd, { removeOnComplete: { count: 1000 }, removeOnFail: false })
    await completed(plain, { removeOnComplete: { count: -1 }, removeOnFail: null })
    const env = { JOBSCTL_URL: served.url, JOBSCTL_API_KEY: 'key' }
    const stats = await runJobsctl(['stats', '--json'], { env })
    const said = z
      .array(z.looseObject({ queue: z.string(), vanishing: z.string().optional() }))
      .parse(JSON.parse(stats.out))
    expect(new Set(said.flatMap(({ queue, vanishing }) => (vanishing ? [`${queue}: ${vanishing}`] : [])))).toEqual(
      new Set([`${odd}: completed`]),
    )
    const pruned = await post('prune', { domain: schema, queue: odd, older_than_days: 1, statuses: ['completed'] })
    const vanishing = [{ domain: schema, queue: odd, states: ['completed'] }]
    await sql`update ${of('job')} set opts = '{"removeOnComplete": true}' where queue = ${odd} and state = 'waiting'`
    const argv = ['undo', String(pruned.body.operation_id), '--yes', '--json']
    const undo = await runJobsctl(argv, { env })
    expect(JSON.parse(undo.out)).toMatchObject({ vanishing })
    expect(undo.err).toContain('again when the next job there ends')
  })

  it('prunes ended jobs with their logs and edges, keeps what a flow needs, and an undo gives all of it back', async () => {
    const request = { ...scope, older_than_days: 1, statuses: ['completed', 'failed'] }
    const kept = {
      refused_count: 1,
      refused: [{ job_id: 'steps/done', reason: 'the parent of its flow needs it' }],
    }
    expect(await post('prune', { ...request, dry_run: true })).toMatchObject({ status: 200, body: kept })
    const pruned = await post('prune', request)
    // The flow that has failed goes as a whole; of the other one, the child that is done stays.
    expect(pruned).toMatchObject({ status: 200, body: { deleted: 62, ...kept } })
    expect(await job('steps', 'done')).toMatchObject({ state: 'completed' })
    expect(await sql`select from ${of('job_log')}`).toHaveLength(0)
    expect(await events()).toContainEqual({ queue: oddQueues.plain, event: 'cleaned', data: { count: '20' } })
    expect(await undone(pruned.body.operation_id)).toMatchObject({ affected: 62 })
    expect(await differing('job', 'job_log', 'job_dependency')).toBe(0)
  })

  it('gives back no job whose id its queue would give to another one', async () => {
    const pruned = await post('prune', {
      ...scope,
      queue: oddQueues.plain,
      older_than_days: 1,
      statuses: ['completed'],
    })
    expect(pruned.body.deleted).toBe(10)
    const [{ name }] = await sql<[{ name: string }]>`
      select c.oid::regclass::text as name from pg_class c where relname = 'bullmq_jid_' || md5(${oddQueues.plain})`
    await sql.unsafe(`alter sequence ${name} restart with 35`)
    await sql`select nextval(${name}::regclass)`
    const undo = await undone(pruned.body.operation_id)
    // The queue has given out the ids up to 35; those above are still to come.
    expect(undo.affected).toBe(5)
    expect(
      (await sql`select id from ${of('job')} where queue = ${oddQueues.plain} and state = 'completed'`)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(['31', '32', '33', '34', '35'])
    await sql`select setval(${name}::regclass, 50)`
  })

  it('gives jobs back while a transaction holds the ids of another queue', async () => {
    const { plain } = oddQueues
    const pruned = await post('prune', { ...scope, queue: plain, older_than_days: 1, statuses: ['completed'] })
    const [{ name }] = await sql<[{ name: string }]>`
      select c.oid::regclass::text as name from pg_class c where relname = 'bullmq_jid_' || md5(${slashed})`
    const other = postgres(served.env.JOBS_DB_URL ?? '', { max: 1 })
    await other.begin(async (tx) => {
      await tx.unsafe(`alter sequence ${name} cache 2`)
      expect(await undone(pruned.body.operation_id)).toMatchObject({ affected: 10 })
    })
    await other.end()
  })

  it('retries failed jobs as BullMQ does, wakes its workers, tells who waits, and an undo gives the ends back', async () => {
    let retried = await post('batch/retry', { ...scope, queue: 'nothing' })
    const woken = await wakes(async () => {
      retried = await post('batch/retry', { ...scope, queue: slashed })
    })
    expect(retried).toMatchObject({ status: 200, body: { affected: 10 } })
    expect(woken).toEqual([slashed])
    const [row] = await sql`
      select state, attempts_made, attempts_started, failed_reason, stacktrace, finished_at_ms, processed_at_ms from ${of('job')}
      where queue = ${slashed} and id = '41'`
    expect(row).toEqual({
      ...{ state: 'waiting', attempts_made: 0, attempts_started: 0, failed_reason: null, stacktrace: null },
      ...{ finished_at_ms: null, processed_at_ms: null },
    })
    expect(await events()).toHaveLength(10)
    expect(await events()).toContainEqual({
      queue: slashed,
      event: 'waiting',
      data: { jobId: '41', prev: 'failed' },
    })
    expect(await undone(retried.body.operation_id)).toMatchObject({ affected: 10 })
    expect(await differing('job')).toBe(0)
  })

  it('retries no job that a worker has taken or has just ended again', async () => {
    const preview = await post('batch/retry', { ...scope, queue: oddQueues.plain, dry_run: true })
    await sql`update ${of('job')} set lock_token = 'theirs' where queue = ${oddQueues.plain} and id = '41'`
    const retried = await post('batch/retry', { ...scope, queue: oddQueues.plain })
    expect([preview.body.affected, retried.body.affected]).toEqual([10, 9])
    expect(retried.body.refused).toEqual([{ job_id: 'mail/41', reason: 'a worker has its lock' }])
  })

  it('lets the child of a flow run first where it was retried with its parent, and the parent wait', async () => {
    const retried = await post('batch/retry', { ...scope, ids: ['flows/broken', 'steps/culprit'] })
    expect(retried.body.affected).toBe(2)
    expect(await job('steps', 'culprit')).toMatchObject({ state: 'waiting' })
    expect(await job('flows', 'broken')).toMatchObject({ state: 'waiting-children', pending_deps: 1 })
    expect(await edge('culprit')).toEqual({ status: 'pending', value: null })
    expect(await undone(retried.body.operation_id)).toMatchObject({ affected: 2 })
    expect(await differing('job', 'job_dependency')).toBe(0)
  })

  it('retries no parent whose failed child is gone', async () => {
    await sql`delete from ${of('job')} where queue = 'steps' and id = 'culprit'`
    expect((await post('batch/retry', { ...scope, queue: 'flows' })).body).toMatchObject({
      affected: 0,
      refused: [{ job_id: 'flows/broken', reason: 'a child of its flow that has not completed is gone' }],
    })
  })

  it('retries no job whose deduplication id another one has', async () => {
    await sql`update ${of('job')} set dedup_id = 'one' where queue = ${oddQueues.plain} and id in ('1', '41')`
    await sql`insert into ${of('dedup')} values (${oddQueues.plain}, 'one', '1', null)`
    expect((await post('batch/retry', { ...scope, ids: ['mail/41'] })).body).toMatchObject({
      affected: 0,
      refused: [{ job_id: 'mail/41', reason: 'another job with its deduplication id waits or runs' }],
    })
  })

  it('ends waiting jobs as failed with the caller, frees their deduplication ids, and an undo takes them back', async () => {
    await sql`update ${of('job')} set dedup_id = 'one' where queue = ${oddQueues.plain} and id = '1'`
    await sql`insert into ${of('dedup')} values (${oddQueues.plain}, 'one', '1', null)`
    const cancelled = await post('batch/cancel', { ...scope, queue: oddQueues.plain })
    expect(cancelled.body).toMatchObject({ affected: 20, refused_count: 0 })
    expect(await job(oddQueues.plain, '1')).toMatchObject({
      state: 'failed',
      failed_reason: 'cancelled by single-user',
    })
    expect(await sql`select from ${of('dedup')}`).toHaveLength(0)
    expect(await events()).toContainEqual({
      queue: oddQueues.plain,
      event: 'failed',
      data: { jobId: '11', failedReason: 'cancelled by single-user', prev: 'delayed' },
    })
    let undo = await undone(0)
    expect(
      await wakes(async () => {
        undo = await undone(cancelled.body.operation_id)
      }),
    ).toEqual([oddQueues.plain])
    expect(undo.affected).toBe(20)
    await sql`update ${of('job')} set dedup_id = null`
    expect(await sql`select job_id from ${of('dedup')}`).toEqual([{ job_id: '1' }])
    await sql`delete from ${of('dedup')}`
    expect(await differing('job')).toBe(0)
  })

  it('takes no deduplication id back that another job has got since', async () => {
    await sql`update ${of('job')} set dedup_id = 'one' where queue = ${oddQueues.plain} and id in ('1', '2')`
    await sql`insert into ${of('dedup')} values (${oddQueues.plain}, 'one', '1', null)`
    const cancelled = await post('batch/cancel', { ...scope, ids: ['mail/1'] })
    await sql`insert into ${of('dedup')} values (${oddQueues.plain}, 'one', '2', null)`
    expect((await undone(cancelled.body.operation_id)).affected).toBe(0)
    expect(await job(oddQueues.plain, '1')).toMatchObject({ state: 'failed' })
  })

  it('cancels no next job of a scheduler, no parent that waits, and no child that a parent waits for', async () => {
    await sql`insert into ${of('scheduler')} (queue, scheduler_id, next_run_ms) values (${oddQueues.plain}, 'nightly', 1000)`
    await sql`
      update ${of('job')} set scheduler_id = 'nightly', id = 'repeat:nightly:1000' where queue = ${oddQueues.plain} and id = '11'`
    const next = 'mail/repeat:nightly:1000'
    const { body } = await post('batch/cancel', { ...scope, ids: [next, 'flows/waits', 'steps/fresh'] })
    expect(body).toMatchObject({ affected: 0, refused_count: 3 })
    expect(Object.fromEntries(body.refused.map(({ job_id, reason }) => [job_id, reason]))).toEqual({
      [next]: 'a scheduler has made it, and makes no other without it: remove the scheduler in your application',
      'flows/waits': 'it waits for the children of its flow, which would go on',
      'steps/fresh': 'the parent of its flow waits for it, and would wait for ever',
    })
    // The row that this test has changed, before and after.
    expect(await differing('job')).toBe(2)
  })

  it('ends running jobs by force alone, and an undo leaves them', async () => {
    expect((await post('batch/cancel', { ...scope, queue: slashed, status: ['processing'] })).body.affected).toBe(0)
    const forced = await post('batch/cancel', { ...scope, queue: slashed, status: ['processing'], force: true })
    expect(forced.body.affected).toBe(10)
    expect(await sql`select from ${of('job')} where queue = ${slashed} and lock_token is not null`).toHaveLength(0)
    expect((await undone(forced.body.operation_id)).affected).toBe(0)
  })

  it('moves the time of waiting jobs, and no parent, and an undo gives the times and places back', async () => {
    const later = await post('batch/reschedule', { ...scope, delay_seconds: 600 })
    expect(later.body).toMatchObject({ affected: 61, refused: [{ job_id: 'flows/waits' }] })
    const [{ soonest }] = await sql<[{ soonest: number }]>`
      select min(process_at_ms / 1000 - extract(epoch from now()))::float8 as soonest from ${of('job')} where state = 'delayed'`
    expect(soonest).toBeGreaterThan(500)
    expect(await undone(later.body.operation_id)).toMatchObject({ affected: 61 })
    expect(await differing('job')).toBe(0)
    const now = await post('batch/reschedule', { ...scope, queue: slashed })
    expect(now.body.affected).toBe(10)
    expect(
      await sql`select from ${of('job')} where queue = ${slashed} and state = 'waiting' and process_at_ms is null and delay_ms = 0`,
    ).toHaveLength(20)
    expect(await undone(now.body.operation_id)).toMatchObject({ affected: 10 })
    expect(await differing('job')).toBe(0)
  })

  it('sets priorities, and puts a waiting job at the end of those with the same one', async () => {
    const set = await post('batch/priority', { ...scope, queue: oddQueues.plain, priority: 5 })
    expect(set.body.affected).toBe(20)
    const [last] =
      await sql`select id from ${of('job')} where queue = ${oddQueues.plain} and state = 'waiting' order by priority, seq limit 1`
    expect(last).toBeDefined()
    expect(await undone(set.body.operation_id)).toMatchObject({ affected: 20 })
    expect(await differing('job')).toBe(0)
  })

  it('takes a job of its preview of which a worker has only taken the mark since, and no job that has failed again', async () => {
    await sql`update ${of('job')} set stalled_marked = true where state = 'failed'`
    const request = { ...scope, only_failed: true, queue: oddQueues.plain }
    const preview = await call({
      ...{ url: served.url, method: 'POST', path: '/api/v1/jobs/retry-now', headers: { 'x-api-key': 'key' } },
      body: { ...request, dry_run: true },
    })
    const { count, token } = z
      .object({ preview: z.object({ count: z.number(), token: z.string() }) })
      .parse(preview.body).preview
    expect(count).toBeGreaterThan(2)
    await sql`update ${of('job')} set stalled_marked = false where stalled_marked`
    await sql`
      update ${of('job')} set seq = seq + 1000000
      where (queue, id) in (select queue, id from ${of('job')} where queue = ${oddQueues.plain} and state = 'failed' limit 1)`
    const { status, body } = await post('retry-now', { ...request, preview_token: token })
    expect({ status, affected: body.affected }).toEqual({ status: 200, affected: count - 1 })
  })

  it('pauses and resumes a queue by the row of BullMQ, with an event and a record', async () => {
    const control = (action: string) => post('queue/control', { domain: schema, queue: slashed, action })
    expect(await control('pause')).toMatchObject({
      status: 200,
      body: { paused: true, before: { paused: false }, known: true },
    })
    expect(await sql`select queue, field, value from ${of('meta')}`).toEqual([
      { queue: slashed, field: 'paused', value: '1' },
    ])
    expect(await control('pause')).toMatchObject({ status: 200, body: { before: { paused: true } } })
    const woken = await wakes(() => control('resume'))
    expect(woken).toEqual([slashed])
    expect(await sql`select from ${of('meta')}`).toHaveLength(0)
    expect((await events()).map(({ event }) => event)).toEqual(['paused', 'resumed'])
    expect(await sql`select event_type from jobsctl.job_events where event_type like 'queue.%' order by id`).toEqual([
      { event_type: 'queue.paused' },
      { event_type: 'queue.resumed' },
    ])
    expect(await control('drain')).toMatchObject({ status: 422 })
    await sql`delete from jobsctl.job_events where event_type like 'queue.%'`
  })

  it('ends before it changes a job of tables that BullMQ has migrated since', async () => {
    await sql`insert into ${of('migration')} values (99, 'next')`
    expect(await post('batch/retry', { ...scope, queue: oddQueues.plain })).toMatchObject({ status: 409 })
    // Seen once, the other version closes every change.
    expect(await post('queue/control', { domain: schema, queue: oddQueues.plain, action: 'pause' })).toMatchObject({
      status: 422,
    })
    await sql`delete from ${of('migration')} where version = 99`
    expect(await differing('job', 'meta')).toBe(0)
  })
})
