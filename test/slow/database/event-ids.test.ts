import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { events as endpoint, type JobEvent } from '../../../shared/records/events.ts'
import { holding, otherProgram } from '../../support/changes/bulk-tools.ts'
import { kinds } from '../../support/database/database.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { readStream } from '../../support/streams/event-reader.ts'
import { jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

describe.each(kinds)('ids of events on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
    await worker.enqueueAll([{}, {}, {}])
  })
  afterAll(() => world?.stop())

  const eventsAfter = async (id: number): Promise<JobEvent[]> =>
    endpoint.output.parse((await world.call('GET', `${jobPaths.events}?after_id=${id}`)).body)
  const lastId = async () => (await eventsAfter(0)).at(-1)?.id ?? 0

  it('a cursor above the last id is 410 with the ids of the log, and none below it is, even where the log is empty', async () => {
    const last = await lastId()
    expect(await world.call('GET', `${jobPaths.events}?after_id=${last + 1}`)).toMatchObject({
      status: 410,
      body: { code: 'events_reset', oldest_id: expect.any(Number), newest_id: last, hint: expect.any(String) },
    })
    expect(await eventsAfter(last)).toEqual([])
    await world.sql`delete from job_events`
    expect(await eventsAfter(last)).toEqual([])
    expect(await world.call('GET', `${jobPaths.events}?after_id=${last + 1}`)).toMatchObject({
      status: 410,
      body: { oldest_id: null, newest_id: last },
    })
    await worker.enqueue()
  })

  it('a stream above the last id says reset, and goes on with new events', async () => {
    const last = await lastId()
    const reader = await readStream(world, '', { 'last-event-id': String(last + 500) })
    await until('the stream was reset', () => reader.lines.includes('event: reset'))
    await worker.enqueue()
    await until('a new event has come', () => reader.lines.includes('event: job'))
    reader.stop()
    const [reset, event] = reader.lines
      .filter((line) => line.startsWith('data:'))
      .map((line) => JSON.parse(line.slice(5)))
    expect(reset).toMatchObject({ newest_id: last })
    expect(event.id).toBe(last + 1)
  })

  it.each(['system', 'timeline', 'table'])(
    'another %s moves the ids on, once, with an event that says so',
    async (part) => {
      const before = await lastId()
      // As though these tables had come here from elsewhere.
      await world.sql`
      update jobsctl_settings
      set value = jsonb_set(value::jsonb, array[${part}], '"123"')::text
      where name = 'event_origin'`
      const second = kind === 'embedded' ? undefined : await startServer({ ...world.env, PORT: '0' }, () => {})
      await second?.prepared
      await until('the log has moved', async () => (await eventsAfter(before)).length > 0)
      const { id } = await worker.enqueue()
      await second?.stop()
      const [moved, created, ...more] = await eventsAfter(before)
      expect(more).toEqual([])
      expect(moved).toMatchObject({
        event_type: 'log.moved',
        attrs: { last_id: before, first_id: moved?.id, why: expect.stringContaining(part) },
      })
      expect(moved?.id).toBeGreaterThan(before + 1_000_000)
      expect(created).toMatchObject({ job_id: id, event_type: 'job.created' })
    },
  )
})

describe('ids of events after a failover', () => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  let other: postgres.Sql
  beforeAll(async () => {
    world = await openWorld('postgres', { JOBS_LOCK_TIMEOUT_SECONDS: '1' })
    worker = workerOf(world.post)
    other = otherProgram(world)
    await worker.enqueueAll([{}, {}, {}])
  })
  afterAll(async () => {
    await other?.end()
    await world?.stop()
  })

  const events = () => other<{ id: number; event_type: string }[]>`
    select id::int, event_type from job_events order by id`
  const enqueue = () => world.post(jobPaths.enqueue, { domain: 'd', queue: 'q', job_type: 't', payload: {} })

  it('are moved on by a new connection before its first statement', async () => {
    const before = (await events()).at(-1)?.id ?? 0
    // As though a standby had been promoted: another timeline, and no session of the server is left.
    await other`
      update jobsctl_settings set value = jsonb_set(value::jsonb, '{timeline}', '"0000000A"')::text
      where name = 'event_origin'`
    const letGo = await holding(other, (tx) => tx`select from jobsctl_settings where name = 'event_origin' for update`)
    try {
      await other`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'jobs-server'`
      await until('a call has waited for another session that moves the ids', async () => {
        const { status, body } = await enqueue()
        expect(status).toBe(503)
        return JSON.stringify(body).includes('database_busy')
      })
      expect((await world.call('GET', paths.stats)).status).toBe(503)
    } finally {
      await letGo()
    }
    await until('calls are answered', async () => (await enqueue()).status === 201)
    await worker.enqueueAll([{}, {}])

    const [moved, ...created] = (await events()).filter(({ id }) => id > before)
    expect(moved).toMatchObject({ event_type: 'log.moved' })
    expect(moved?.id).toBeGreaterThan(before + 1_000_000)
    expect(created.map(({ event_type }) => event_type)).toEqual(Array(3).fill('job.created'))
    expect(world.log.filter((line) => line.includes('another timeline: ids of events go on at'))).toHaveLength(1)
  })
})
