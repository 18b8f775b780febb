import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { overview, queueMinutes } from '../../shared/endpoints.ts'
import { bearer, makeScoped } from '../support/access/tokens.ts'
import { kinds } from '../support/database/database.ts'
import { ago } from '../support/database/job-row.ts'
import { call } from '../support/http.ts'
import { type IncidentWorld, incident, incidentKinds, openIncident } from '../support/observe/incident.ts'
import { workerOf } from '../support/worker.ts'
import { openWorld, type World } from '../support/world.ts'

describe.each(kinds)('the overview of queues on %s', (kind) => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    world = await openWorld(kind)
    worker = workerOf(world.post)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.sql`delete from jobsctl_marks`
    await world.sql`delete from jobsctl_pickups`
    await world.sql`delete from jobsctl_worker_marks`
  })

  const read = async (query: Record<string, string> = {}, headers = {}) => {
    const { status, body } = await world.call(
      'GET',
      `${overview.path}?${new URLSearchParams(query)}`,
      undefined,
      headers,
    )
    expect(status, JSON.stringify(body)).toBe(200)
    return overview.output.parse(body)
  }

  it('of no jobs is empty, and needs nobody', async () => {
    expect(await read()).toMatchObject({
      ...{ rates_of: 'history', why: null, marked: false, attention: [], failing_queues: 0, queues: [] },
      totals: { queues: 0, waiting: 0, running: 0, done_per_minute: 0, failed_per_minute: 0, expired: 0 },
    })
  })

  it('the oldest wait of a queue is that of any type and priority, behind jobs with times of their own, too', async () => {
    const [oldest, later, recent] = [ago(7200), ago(-3600), ago(90)]
    await world.jobs(25, { status: 'queued', queue: 'high', created_at: ago(90_000), available_at: ago(60) })
    const other = { status: 'queued', queue: 'high', job_type: 'other', priority: 9, available_at: null }
    await world.jobs(1, { ...other, created_at: oldest })
    await world.jobs(2, { ...other, created_at: ago(5) })
    await world.jobs(1, { ...other, queue: 'late', created_at: ago(90_000), available_at: later })
    await world.jobs(2, { ...other, queue: 'odd', created_at: oldest, available_at: '-infinity' })
    await world.jobs(1, { ...other, queue: 'odd', created_at: oldest, available_at: recent })
    await world.jobs(2, { ...other, queue: 'same', created_at: oldest })
    const waits = ({ queues }: Awaited<ReturnType<typeof read>>) =>
      queues.map(({ queue, oldest_due }) => [queue, oldest_due && Date.parse(oldest_due)])
    expect(waits(await read())).toEqual([
      ['high', Date.parse(oldest)],
      ['late', null],
      ['odd', Date.parse(recent)],
      ['same', Date.parse(oldest)],
    ])
  })

  it('sums up the groups of its queues, also where no trigger keeps the counts', async () => {
    await world.jobs(3, { status: 'queued', queue: 'high', job_type: 'b' })
    await world.jobs(1, { status: 'queued', queue: 'high', job_type: 'a', available_at: ago(-3600) })
    await world.jobs(2, { status: 'processing', queue: 'high', job_type: '', leased_until: ago(-3600) })
    await world.jobs(1, { status: 'quarantined', queue: 'low', job_type: 'a, "b"' })
    await world.jobs(1, { status: 'completed', queue: 'low', job_type: 'a' })
    const known = async () => {
      const { queues } = await read()
      return queues.map(({ queue, types, job_types, waiting, scheduled, running, quarantined }) => [
        ...[queue, types, job_types],
        ...[waiting, scheduled, running, quarantined],
      ])
    }
    const expected = [
      ['high', ['a', 'b'], 3, 3, 1, 2, 0],
      ['low', ['a', 'a, "b"'], 2, 0, 0, 0, 1],
    ]
    expect(await known()).toEqual(expected)
    await world.sql`alter table jobs disable trigger jobsctl_count_insert`
    try {
      expect(await known()).toEqual(expected)
    } finally {
      await world.sql`alter table jobs enable trigger jobsctl_count_insert`
    }
  })

  it('has a row a queue, with the rates of attempts that ended, and says what fails after which mark', async () => {
    await world.post('/api/v1/jobs/marks', { text: 'deploy 4711' })
    await worker.enqueueAll(
      Array.from({ length: 6 }, (_, n) => ({ queue: 'high', max_retries: 0, owner_user_id: `user-${n % 3}` })),
    )
    await worker.enqueueAll(Array.from({ length: 2 }, () => ({ queue: 'bulk', job_type: 'other' })))
    for (let n = 0; n < 4; n++) {
      const job = await worker.take({ queue: 'high' })
      await worker.fail(job, { error: `no answer from "host${n}"`, error_code: 'away', retryable: false })
    }
    await worker.complete(await worker.take({ queue: 'high' }))
    const { queues, attention, totals, failing_queues, marked } = await read()
    expect({ failing_queues, marked }).toEqual({ failing_queues: 1, marked: true })
    expect(queues.map(({ queue, waiting, job_types }) => [queue, waiting, job_types])).toEqual([
      ['bulk', 2, 1],
      ['high', 1, 1],
    ])
    expect(totals).toMatchObject({ queues: 2, waiting: 3, running: 0 })
    expect(Number(queues[1]?.failed_per_minute)).toBeGreaterThan(Number(queues[1]?.done_per_minute))
    expect(attention).toMatchObject([
      {
        ...{
          kind: 'failing',
          domain: 'chatbooks',
          queue: 'high',
          error_code: 'away',
          pattern: 'no answer from <text>',
        },
        ...{
          jobs: 4,
          owners: 3,
          at_least: false,
          since_or_before: false,
          mark: { text: 'deploy 4711', by: 'single-user' },
        },
      },
    ])
    const [failing] = attention
    const [first] = await world.sql<{ at: string }[]>`select min(completed_at) as at from jobs where status = 'failed'`
    expect(failing?.since).toBe(first?.at)
  })

  it('counts the failures of a cause by the pattern of their messages, and not by their code', async () => {
    await worker.enqueueAll(Array.from({ length: 9 }, (_, n) => ({ max_retries: 0, owner_user_id: `user-${n}` })))
    const messages = ['no route to host 7', 'no route to host 8', 'no route to host 9', 'no route to host 10']
    for (const error of [...messages, 'card declined', 'disk full', 'disk full', 'disk full'])
      await worker.fail(await worker.take(), { error, error_code: 'away', retryable: false })
    const { attention } = await read()
    expect(attention).toMatchObject([
      { kind: 'failing', error_code: 'away', pattern: 'no route to host #', jobs: 4, owners: 4, at_least: false },
    ])
  })

  it('does not call one failure among many a failing queue', async () => {
    await worker.enqueueAll(Array.from({ length: 3 }, () => ({ max_retries: 0 })))
    await worker.fail(await worker.take(), { retryable: false })
    await worker.complete(await worker.take())
    expect(await read()).toMatchObject({ failing_queues: 0, attention: [] })
  })

  it('names stopped queues with who and why, jobs that no worker asks for, and expired leases', async () => {
    await world.jobs(3, { status: 'queued', queue: 'paused' })
    await world.jobs(2, { status: 'queued', queue: 'quiet' })
    await world.jobs(1, { status: 'queued', queue: 'asked' })
    await world.sql`update jobs set created_at = now() - interval '20 minutes', available_at = null`
    await world.sql`delete from jobsctl_transitions`
    await world.sql`
      insert into jobsctl_worker_marks (domain, queue, worker_id, filter, asked_at)
      values ('chatbooks', 'quiet', 'w-1', '', now() - interval '12 minutes'), ('chatbooks', 'asked', 'w-2', '', now())`
    await world.jobs(1, { status: 'processing', queue: 'lost' })
    await world.sql`update jobs set leased_until = now() - interval '1 minute' where status = 'processing'`
    await world.confirm('/api/v1/jobs/queue/control', {
      domain: 'chatbooks',
      queue: 'paused',
      action: 'pause',
      reason: 'disk full',
    })
    const { attention, queues } = await read()
    expect(attention).toMatchObject([
      { kind: 'no_worker', queue: 'quiet', waiting: 2, workers: ['w-1'] },
      { kind: 'expired', queue: 'lost', jobs: 1 },
      { kind: 'stopped', queue: 'paused', waiting: 3, drain: false, by: 'single-user', reason: 'disk full' },
    ])
    expect(queues.find(({ queue }) => queue === 'quiet')?.no_worker_since).toBe(attention[0]?.since)
    expect(queues.find(({ queue }) => queue === 'asked')?.no_worker_since).toBeNull()
  })

  it('says of which kinds it names the first queues alone', async () => {
    const stopped = Array.from({ length: 16 }, (_none, n) => `stopped ${n}`)
    for (const queue of [...stopped, ...Array.from({ length: 21 }, (_none, n) => `quiet ${n}`)])
      await world.jobs(1, { status: 'queued', queue })
    await world.sql`update jobs set created_at = now() - interval '20 minutes', available_at = null`
    const countOf = ({ attention }: Awaited<ReturnType<typeof read>>, kind: string) =>
      attention.filter((one) => one.kind === kind).length
    const before = await read()
    expect([before.more_of, countOf(before, 'no_worker')]).toEqual([['no_worker'], 15])
    await world.sql`
      insert into job_queue_controls (domain, queue, paused, drain)
      select 'chatbooks', queue, true, false from unnest(${stopped}::text[]) as queue`
    const after = await read()
    expect([after.more_of, countOf(after, 'stopped')]).toEqual([['no_worker', 'stopped'], 15])
    await world.sql`delete from job_queue_controls`
    expect((await read({ queue: 'quiet 1' })).more_of).toEqual([])
  })

  it('is of one domain or queue where the call names it', async () => {
    for (const domain of ['mail', 'media']) {
      await worker.enqueueAll(Array.from({ length: 2 }, () => ({ domain, max_retries: 0 })))
      for (let n = 0; n < 2; n++) await worker.fail(await worker.take({ domain }), { retryable: false })
    }
    const { attention, queues } = await read({ domain: 'media' })
    expect({ attention, queues }).toMatchObject({ attention: [{ domain: 'media' }], queues: [{ domain: 'media' }] })
    expect((await read({ domain: 'media', queue: 'none' })).queues).toEqual([])
  })

  it('has the minutes of queues, at most 50, in the order of the call', async () => {
    await worker.enqueueAll([{ queue: 'a/"b"' }, { queue: 'other' }])
    await worker.complete(await worker.take({ queue: 'a/"b"' }))
    const minutesOf = (queues: unknown) =>
      world.call('GET', `${queueMinutes.path}?${new URLSearchParams({ queues: JSON.stringify(queues) })}`)
    const { body } = await minutesOf([
      ['chatbooks', 'unknown'],
      ['chatbooks', 'a/"b"'],
    ])
    const { queues } = queueMinutes.output.parse(body)
    expect(queues.map(({ queue, done }) => [queue, done?.length, done?.reduce((sum, jobs) => sum + jobs, 0)])).toEqual([
      ['unknown', 60, 0],
      ['a/"b"', 60, 1],
    ])
    const many = Array.from({ length: 51 }, (_, n) => ['chatbooks', `q${n}`])
    for (const wrong of [many, [], [['a']], 'x', [['a', '']]]) expect((await minutesOf(wrong)).status).toBe(422)
  })

  it('takes the end times of jobs where no history is kept, and says how to switch it on', async () => {
    await world.sql`update jobsctl_settings set value = 'off' where name = 'history'`
    await worker.enqueueAll(Array.from({ length: 2 }, () => ({ max_retries: 0 })))
    for (let n = 0; n < 2; n++) await worker.fail(await worker.take(), { retryable: false, error_code: 'away' })
    expect(await read()).toMatchObject({
      ...{ rates_of: 'jobs', why: expect.stringContaining('JOBS_HISTORY=on') },
      attention: [{ kind: 'failing', error_code: 'away', jobs: 2 }],
      queues: [{ in_per_minute: null }],
    })
    await world.sql`update jobsctl_settings set value = 'on' where name = 'history'`
  })
})

describe.skipIf(!kinds.includes('postgres')).each(incidentKinds)('an incident among the jobs of %s', (kind) => {
  let world: IncidentWorld
  beforeAll(async () => {
    world = await openIncident(kind)
  })
  afterAll(() => world?.stop())

  const read = async (path: string, token = world.token) => {
    const { status, body } = await call({ url: world.url, method: 'GET', path, headers: bearer(token) })
    expect(status, JSON.stringify(body)).toBe(200)
    return body
  }

  it('is not told outside of the scope of a token, and its mark to none with a scope', async () => {
    const [inside, outside] = [
      await makeScoped(world.sql, 'viewer', { domains: [world.domain] }),
      await makeScoped(world.sql, 'viewer', { domains: ['elsewhere'] }),
    ]
    const seen = overview.output.parse(await read(overview.path, inside))
    expect(seen).toMatchObject({ marked: null, attention: [{ queue: incident.queue, mark: null }] })
    const nothing = overview.output.parse(await read(overview.path, outside))
    expect(nothing).toMatchObject({ marked: null, failing_queues: 0, attention: [], queues: [] })
    const queues = JSON.stringify([[world.domain, incident.queue]])
    const path = `${queueMinutes.path}?${new URLSearchParams({ queues })}`
    const minutes = queueMinutes.output.parse(await read(path, outside))
    expect(minutes.queues[0]?.failed?.every((jobs) => jobs === 0) ?? true).toBe(true)
  })

  it.runIf(kind === 'own')('is told to a token of its job types, with no queue of others', async () => {
    const token = await makeScoped(world.sql, 'viewer', { job_types: ['receipt', 'nothing'] })
    const seen = overview.output.parse(await read(overview.path, token))
    expect(seen.attention[0]).toMatchObject({ kind: 'failing', queue: incident.queue })
    expect(seen.queues.map(({ queue, types }) => [queue, types])).toEqual([
      ['bulk', ['receipt']],
      [incident.queue, ['receipt']],
    ])
  })

  it('is told with its queue, cause, begin and deployment', async () => {
    const { attention, rates_of, failing_queues, totals } = overview.output.parse(await read(overview.path))
    expect({ rates_of, failing_queues }).toEqual({ rates_of: kind === 'own' ? 'history' : 'jobs', failing_queues: 1 })
    const [failing] = attention
    if (failing?.kind !== 'failing') throw new Error(`the first is ${failing?.kind}`)
    expect(failing).toMatchObject({
      domain: world.domain,
      queue: incident.queue,
      mark: { text: incident.mark.text, by: incident.mark.by },
    })
    expect(failing.pattern).toBe('# # mailbox unavailable: <address>')
    expect(failing.jobs).toBe((60 * incident.minutes) / incident.failedEverySeconds)
    expect(Math.abs(Date.now() - Date.parse(failing.since ?? '') - 60_000 * incident.minutes)).toBeLessThan(90_000)
    expect(Math.abs(failing.per_minute - 60 / incident.failedEverySeconds)).toBeLessThan(3)
    expect(Number(totals.done_per_minute)).toBeGreaterThan(10)
    const queues = JSON.stringify([[world.domain, incident.queue]])
    const minutes = queueMinutes.output.parse(await read(`${queueMinutes.path}?${new URLSearchParams({ queues })}`))
    const failed = minutes.queues[0]?.failed ?? []
    expect([Math.max(...failed.slice(0, 25)), Math.min(...failed.slice(32, 58)) > 5]).toEqual([0, true])
  })
})
