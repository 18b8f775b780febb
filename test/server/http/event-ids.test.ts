import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { events as endpoint, type JobEvent } from '../../../shared/records/events.ts'
import { kinds } from '../../support/database/database.ts'
import { readStream } from '../../support/event-reader.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

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
