import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deleteExpiredEvents, firstPosition } from '../../../server/lifecycle/events/event-retention.ts'
import {
  type EventKind,
  type EventTerms,
  readEventTerms,
  writeEventTerms,
} from '../../../server/lifecycle/events/event-terms.ts'
import { events as endpoint } from '../../../shared/records/events.ts'
import { verifyOperations } from '../../../shared/records/records.ts'
import {
  ask,
  at,
  clearAll,
  doneOf,
  expectIntact,
  holding,
  otherProgram,
  prune,
} from '../../support/changes/bulk-tools.ts'
import { emptyDatabase, kinds, newDatabase } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { readStream } from '../../support/streams/event-reader.ts'
import { held, jobPath, jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const never = () => false

describe.each(kinds)('the terms of events on %s', (kind) => {
  let world: World
  let made: EventTerms
  const forgetTerms = () => world.sql`delete from jobsctl_settings where name in ('events_days', 'audit_days')`
  beforeAll(async () => {
    world = await openWorld(kind)
    made = await readEventTerms(world.sql)
    // The server deletes nothing by itself.
    await forgetTerms()
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await clearAll(world)
    await world.sql`delete from jobsctl_expired_events`
  })

  const ids = async () => (await world.sql<{ id: number }[]>`select id from job_events order by id`).map(({ id }) => id)
  const sweep = async (of: EventKind, days: number) =>
    (await deleteExpiredEvents(world.sql, { kind: of, days, from: firstPosition, isOver: never })).deleted
  /** Events of these ages in days, with ids from 1 on; those of operators have no job. */
  const log = (ages: readonly (number | null)[], { job = true, domain = 'd' } = {}) => world.sql`
    insert into job_events (job_id, domain, queue, job_type, event_type, created_at)
    select ${job ? 7 : null}::bigint, ${domain}, 'q', 't', 'some.event', now() - age * interval '24 hours'
    from unnest(${ages.map((age) => String(age))}::text[]) with ordinality as given (text, nth)
    cross join lateral (select text::float8 as age) as age
    order by nth`
  const readAfter = (after: number, more = '') => world.call('GET', `${jobPaths.events}?after_id=${after}${more}`)
  const idsAfter = async (after: number, more = '') =>
    endpoint.output.parse((await readAfter(after, more)).body).map(({ id }) => id)

  it('are 30 and 400 days in a database that this version made', () => {
    expect(made).toEqual({ steps: 30, audit: 400 })
  })

  it('are those that a server was given last, and stay where it was given none', async () => {
    const write = (JOBS_EVENTS_DAYS?: number, JOBS_AUDIT_DAYS?: number) =>
      writeEventTerms(world.sql, { JOBS_EVENTS_DAYS, JOBS_AUDIT_DAYS })
    expect(await write(5)).toEqual({ steps: 5 })
    expect(await write(undefined, 9)).toEqual({ audit: 9 })
    expect(await write(5, 9)).toEqual({})
    expect(await readEventTerms(world.sql)).toEqual({ steps: 5, audit: 9 })
    await world.sql`update jobsctl_settings set value = 'x' where name = 'events_days'`
    await world.sql`update jobsctl_settings set value = '99999' where name = 'audit_days'`
    expect(await readEventTerms(world.sql)).toEqual({ steps: null, audit: null })
    await forgetTerms()
  })

  it('end each kind of events by itself, and leave the last event of the log', async () => {
    await log([41, 31, 29])
    await log([401, 399, 31], { job: false })
    await log([31])
    expect(await sweep('steps', 30)).toBe(2)
    expect(await ids()).toEqual([3, 4, 5, 6, 7])
    expect(await sweep('audit', 400)).toBe(1)
    expect(await ids()).toEqual([3, 5, 6, 7])
    await log([0])
    expect(await sweep('steps', 30)).toBe(1)
    expect(await ids()).toEqual([3, 5, 6, 8])
  })

  it('end in batches, past events without a time, of the future, and of ids that JavaScript rounds', async () => {
    await world.sql`alter table job_events alter column created_at drop not null`
    await world.sql`
      insert into job_events (id, job_id, event_type, created_at)
      overriding system value values
        (-5, 1, 'e', now() - interval '90 days'),
        (9007199254740993, 1, 'e', now() - interval '90 days'), (9007199254740995, 1, 'e', now() - interval '90 days')`
    await world.sql`
      insert into job_events (job_id, event_type, created_at)
      select 1, 'e', case n % 3 when 0 then null when 1 then 'infinity' else now() + interval '9 days' end
      from generate_series(1, 1100) n`
    await log([80, 70, 60])
    // The last event of the log stays.
    expect(await sweep('steps', 30)).toBe(5)
    expect(await world.sql`select 1 from job_events`).toHaveLength(1101)
    await world.sql`delete from job_events`
    await world.sql`alter table job_events alter column created_at set not null`
  })

  it('wait behind a batch of which every event stays', async () => {
    await log(Array(1000).fill(1))
    await log([90, 0])
    expect(await sweep('steps', 30)).toBe(0)
    await world.sql`update job_events set created_at = now() - interval '40 days' where id = 500`
    expect(await sweep('steps', 30)).toBe(2)
  })

  it('leave the last seal while its day is in the chain, and verify says for which records events speak', async () => {
    const change = async () => {
      await world.jobs(1)
      return doneOf(await ask(world, prune)).operation ?? 0
    }
    for (let nth = 0; nth < 3; nth += 1) await change()
    const last = await change()
    await world.sql`update job_events set created_at = now() - interval '900 days'`
    await log([0])
    await sweep('audit', 400)
    const left = await world.sql<{ type: string; operation: string }[]>`
      select event_type as type, attrs_json ->> 'operation' as operation from job_events where job_id is null`
    expect([...left]).toEqual([{ type: 'operation.sealed', operation: String(last) }])
    await expectIntact(world)
    const verified = verifyOperations.output.parse((await world.call('GET', at.verify)).body)
    const [record] = await world.sql<{ ended_at: string }[]>`select ended_at from job_operations where id = ${last}`
    expect(verified).toMatchObject({ ok: true, without_event: 3, events_since: record?.ended_at })
    expect(await world.jobsctl(['operations', 'verify'])).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^3 operations had an event that is deleted now: records since .+Z are compared/),
    })
    await world.sql`delete from job_operations where id = ${last}`
    await world.sql`update job_operation_days set length = 3, head = (select hash from job_operations where number = 3)`
    expect((await world.call('GET', at.verify)).body).toMatchObject({ ok: false })
    await world.sql`delete from job_operation_days`
    expect(await sweep('audit', 400)).toBe(1)
  })

  it('leave for a second term what says why a queue is stopped now', async () => {
    const control = (queue: string, action: string) =>
      world.post(jobPaths.control, { domain: 'd', queue, action, reason: 'repair' })
    await control('stopped', 'pause')
    await control('running', 'pause')
    await control('running', 'resume')
    await log([0])
    const age = async (days: number) => {
      await world.sql`update job_queue_controls set updated_at = now() - ${days}::int * interval '24 hours'`
      await world.sql`update job_events set created_at = now() - ${days}::int * interval '24 hours' where job_id is null`
    }
    await age(11)
    // Both events of the running queue, and the seals of the first two records.
    expect(await sweep('audit', 10)).toBe(4)
    const { body } = await world.call('GET', `${jobPaths.queues}`)
    expect(JSON.stringify(body)).toContain('repair')
    await age(21)
    expect(await sweep('audit', 10)).toBe(1)
  })

  it('a finish that is sent again within a day is known by its event, whatever the term', async () => {
    const worker = workerOf(world.post)
    await worker.enqueue()
    const job = await worker.take()
    const finish = () => world.post(jobPath(job.id, 'fail'), { ...held(job), completion_token: 'once', error: 'e' })
    const first = await finish()
    await world.sql`update job_events set created_at = now() - interval '23 hours'`
    await log([0])
    expect(await sweep('steps', 1)).toBe(0)
    expect(first.status).toBe(200)
    expect(await finish()).toMatchObject({ status: 200, body: first.body })
    await world.sql`delete from job_events`
    expect((await finish()).status).toBe(409)
  })

  it('make a cursor that has missed events of its scope 410, and no other', async () => {
    await log([90], { domain: 'a' })
    await log([90, 90], { domain: 'b' })
    await log([90], { job: false, domain: 'b' })
    await log([90], { domain: `${'x'.repeat(3000)}` })
    await log([1, 0], { domain: 'a' })
    await sweep('steps', 30)
    expect(await ids()).toEqual([4, 6, 7])
    expect(await readAfter(2)).toMatchObject({
      status: 410,
      body: { code: 'events_expired', oldest_id: 6, newest_id: 7, hint: expect.stringContaining('after_id=5') },
    })
    expect((await readAfter(4)).status).toBe(410)
    expect(await idsAfter(5)).toEqual([6, 7])
    expect(await idsAfter(0)).toEqual([4, 6, 7])
    expect(await idsAfter(2, '&skip_expired=true')).toEqual([4, 6, 7])
    expect(await readAfter(0, '&skip_expired=false')).toMatchObject({ status: 410, body: { oldest_id: 6 } })
    expect(await idsAfter(0, '&skip_expired=false&domain=c')).toEqual([])
    expect(await idsAfter(1, '&domain=a')).toEqual([6, 7])
    expect(await idsAfter(3, '&domain=b')).toEqual([4])
    expect((await readAfter(2, '&domain=b')).body).toMatchObject({ code: 'events_expired', oldest_id: 4 })
    expect(await idsAfter(2, '&domain=c')).toEqual([])
    expect((await readAfter(2, '&skip_expired=perhaps')).status).toBe(422)
  })

  it('a stream after such a cursor says expired, and goes on with what is kept; one from the beginning does not', async () => {
    await log([90, 90, 1])
    await log([0])
    await sweep('steps', 30)
    const reader = await readStream(world, '', { 'last-event-id': '1' })
    await reader.count(2)
    reader.stop()
    expect(reader.lines.filter((line) => line.startsWith('event:'))).toEqual([
      'event: expired',
      'event: job',
      'event: job',
    ])
    expect(reader.lines).toContain('data: {"oldest_id":3,"newest_id":4}')
    expect(reader.ids).toEqual([2, 3, 4])
    const whole = await readStream(world, '?after_id=0')
    await whole.count(2)
    whole.stop()
    expect(whole.lines).not.toContain('event: expired')
  })

  it('jobsctl events says the next command, which works, and passes over what is gone where it has no cursor', async () => {
    await log([90, 90], { domain: 'o k' })
    await log([200], { job: false, domain: 'o k' })
    await log([90], { domain: 'o k' })
    await log([1, 0], { domain: 'o k' })
    await sweep('steps', 30)
    const run = (...words: string[]) => world.jobsctl(['events', '--domain', 'o k', ...words])
    const shown = async (...words: string[]) => {
      const { code, out, err } = await run(...words)
      expect({ code, err }).toEqual({ code: 0, err: '' })
      return out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).id)
    }
    const { code, out, err } = await run('--after', '1')
    expect({ code, out }).toEqual({ code: 6, out: '' })
    expect(err).toContain('error: events after the id 1 have been deleted, since their term was over\n')
    expect(err).toContain(`go on with: jobsctl events --after 4 --domain 'o k'`)
    expect(await shown('--after', '4', '--ndjson')).toEqual([5, 6])
    expect(await shown('--after', '0', '--ndjson')).toEqual([3, 5, 6])
    expect(await shown('--since', '300d', '--ndjson')).toEqual([3, 5, 6])
    expect(await shown('--limit', '3', '--ndjson')).toEqual([3, 5, 6])
  })
})

describe('a server', () => {
  it('leaves the events to another server that is deleting them', async () => {
    const world = await openWorld('postgres')
    const other = otherProgram(world)
    try {
      await world.sql`delete from jobsctl_settings where name = 'events_days'`
      await world.sql`
        insert into job_events (job_id, event_type, created_at)
        values (1, 'e', now() - interval '49 hours'), (1, 'e', now())`
      const walk = { kind: 'steps', days: 2, from: firstPosition, isOver: never } as const
      const letGo = await holding(
        other,
        (tx) => tx`select pg_advisory_xact_lock(hashtextextended('jobsctl events', 0))`,
      )
      expect(await deleteExpiredEvents(world.sql, walk)).toEqual({ deleted: 0, from: firstPosition, isDone: false })
      await letGo()
      expect(await deleteExpiredEvents(world.sql, walk)).toMatchObject({ deleted: 1, isDone: true })
    } finally {
      await other.end()
      await world.stop()
    }
  })

  it('says a term of one day', async () => {
    const world = await openWorld('postgres', { JOBS_EVENTS_DAYS: '1' })
    try {
      await until('the term is written', () =>
        world.log.some((line) => line.includes('are kept for 1 day from now on')),
      )
    } finally {
      await world.stop()
    }
  })

  it('writes its terms, keeps the log to them, and leaves the term that it does not have', async () => {
    const world = await openWorld('postgres', { JOBS_EVENTS_DAYS: '2' })
    try {
      await world.sql`
        insert into job_events (job_id, event_type, created_at)
        values (1, 'e', now() - interval '49 hours'), (1, 'e', now() - interval '47 hours'),
          (null, 'e', now() - interval '399 days'), (1, 'e', now())`
      await until('the first event is gone', async () => {
        const rows = await world.sql<{ id: number }[]>`select id from job_events order by id`
        return rows.length === 3 && rows[0]?.id === 2
      })
      expect(await readEventTerms(world.sql)).toEqual({ steps: 2, audit: 400 })
      expect(world.log.join('\n')).toContain('events about steps of jobs are kept for 2 days from now on')
    } finally {
      await world.stop()
    }
  })

  it.each([
    ['an earlier version made', newDatabase],
    ['another program made', emptyDatabase],
  ])('keeps every event in a database that %s', async (_, make) => {
    const database = await make('postgres')
    const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    try {
      if (make === newDatabase) {
        await sql`delete from jobsctl_migrations where number > 20`
        await sql`delete from jobsctl_settings where name like '%_days'`
      } else
        await sql`
          create table job_events (id bigint generated by default as identity primary key, job_id integer, event_type text)`
      const server = await startServer(database.env, () => {})
      await server.prepared
      expect(await readEventTerms(server.sql)).toEqual({ steps: null, audit: null })
      await server.stop()
    } finally {
      await sql.end()
      await database.drop()
    }
  })
})
