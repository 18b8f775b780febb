import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bearer, makeToken } from '../../support/access/tokens.ts'
import { makePeople, planOf, planPath } from '../../support/changes/plans.ts'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { call } from '../../support/http.ts'
import { seriesOf, untilHistoryIsKept, untilSameCounters } from '../../support/observe/metrics.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { readStats } from '../../support/streams/stats-reader.ts'
import { workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const token = 'token-of-the-scraper'
const [ofProcess, ofJobs] = ['/metrics', '/metrics/jobs']

describe.each(kinds)('metrics on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind, { JOBS_METRICS_TOKEN: token, JOBS_ARCHIVE_MAX_BYTES: '1000000' })
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const scrape = async (path: string) => {
    const { status, body } = await world.call('GET', path, undefined, bearer(token))
    expect(status).toBe(200)
    return String(body)
  }
  const series = async (path: string) => seriesOf(await scrape(path))
  /** Scrapes until the values are these: a scrape is kept for a second, and counts follow within another one. */
  const untilSeries = (wanted: Record<string, number>) =>
    expect.poll(() => series(ofJobs), { interval: 200 }).toMatchObject(wanted)

  it('of the jobs are the counts, by group and queue', async () => {
    await world.jobs(3, { queue: 'low', status: 'queued' })
    await world.jobs(1, { queue: 'low', status: 'queued', available_at: ago(-3600) })
    await world.jobs(1, { queue: 'low', status: 'queued', retry_count: 1 })
    await world.jobs(2, { queue: 'high', status: 'processing', worker_id: 'w1', leased_until: ago(-3600) })
    await world.jobs(1, { queue: 'high', status: 'processing', worker_id: 'w2', leased_until: ago(60) })
    await world.jobs(1, { queue: 'high', status: 'quarantined' })
    await world.post('/api/v1/jobs/queue/control', { domain: 'chatbooks', queue: 'low', action: 'pause' })
    const group = (queue: string, state: string) =>
      `jobsctl_jobs{domain="chatbooks",queue="${queue}",job_type="export",state="${state}"}`
    await untilSeries({
      [group('low', 'queued')]: 4,
      [group('low', 'scheduled')]: 1,
      [group('high', 'processing')]: 3,
      [group('high', 'quarantined')]: 1,
      [group('high', 'queued')]: 0,
      'jobsctl_queue_stopped{domain="chatbooks",queue="low",mode="paused"}': 1,
      'jobsctl_workers{domain="chatbooks",queue="high"}': 1,
      'jobsctl_oldest_ready_age_seconds{domain="chatbooks",queue="high"}': 0,
      jobsctl_retrying_jobs: 1,
      jobsctl_expired_leases: 1,
      jobsctl_counts_exact: 1,
      jobsctl_archive_max_bytes: 1_000_000,
    })
    const age = (await series(ofJobs))['jobsctl_oldest_ready_age_seconds{domain="chatbooks",queue="low"}']
    expect(Math.abs(Number(age) - 40 * 86_400)).toBeLessThan(3600)
    // A group whose jobs are gone keeps its series.
    await world.sql`delete from jobs where queue = 'high'`
    await untilSeries({ [group('high', 'processing')]: 0, [group('low', 'queued')]: 4 })
  })

  it('know that a job which waits for another one could not run', async () => {
    const age = (queue: string) => `jobsctl_oldest_ready_age_seconds{domain="chatbooks",queue="${queue}"}`
    const waiting = { status: 'queued', queue: 'child', created_at: ago(7200) }
    await world.jobs(1, { status: 'queued', queue: 'parent', uuid: 'needed' })
    await world.jobs(19, waiting)
    await world.sql`insert into job_dependencies select uuid, 'needed' from jobs where queue = 'child'`
    await untilSeries({ [age('child')]: 0 })
    await world.jobs(1, { ...waiting, created_at: ago(3600) })
    await expect.poll(async () => Math.round(((await series(ofJobs))[age('child')] ?? 0) / 600)).toBe(6)
    await world.sql`update jobs set status = 'completed' where uuid = 'needed'`
    await expect.poll(async () => Math.round(((await series(ofJobs))[age('child')] ?? 0) / 600)).toBe(12)
  })

  it.runIf(kind === 'postgres')(
    'have all but the totals of the history where reading these takes too long',
    async () => {
      await untilHistoryIsKept(world)
      await world.sql.begin(async (tx) => {
        await tx`lock table jobsctl_history_totals in access exclusive mode`
        await expect
          .poll(() => scrape(ofJobs), { interval: 1100 })
          .toMatch(
            /^jobsctl_counts_exact [\s\S]*^# jobsctl_transitions_total.* are missing: reading the totals of all groups takes too long$/m,
          )
      })
    },
  )

  it('have the names of any group as labels, and none of a job, an owner or an error', async () => {
    await world.jobs(1, {
      status: 'queued',
      domain: 'a"b\\c\nd',
      queue: 'é',
      owner_user_id: 'ada',
      error_message: 'it broke',
      uuid: 'u-1',
    })
    await untilSeries({ 'jobsctl_jobs{domain="a\\"b\\\\c\\nd",queue="é",job_type="export",state="queued"}': 1 })
    const text = `${await scrape(ofJobs)}${await scrape(ofProcess)}`
    for (const secret of ['ada', 'it broke', 'u-1']) expect(text).not.toContain(secret)
  })

  it('tell since when no worker asked', async () => {
    await world.post('/api/v1/jobs/acquire', { domain: 'd', queue: 'asked', worker_id: 'w', lease_seconds: 30 })
    const queue = '{domain="d",queue="asked"}'
    await untilSeries({ [`jobsctl_workers${queue}`]: 1 })
    expect((await series(ofJobs))[`jobsctl_last_acquire_age_seconds${queue}`]).toBeLessThan(600)
    await world.sql`update jobsctl_worker_marks set asked_at = now() - interval '50 minutes'`
    await expect
      .poll(async () => (await series(ofJobs))[`jobsctl_last_acquire_age_seconds${queue}`])
      .toBeGreaterThanOrEqual(3000)
    expect(await series(ofJobs)).not.toHaveProperty(`jobsctl_workers${queue}`)
  })

  it('count what became of jobs, and how long they waited and ran', async () => {
    const worker = workerOf(world.post)
    await untilHistoryIsKept(world)
    const before = await series(ofJobs)
    for (let n = 0; n < 3; n++) await worker.enqueue({})
    await worker.complete(await worker.take())
    await worker.fail(await worker.take(), { retryable: false })
    const grown = async () => {
      const now = await series(ofJobs)
      const since = (name: string) => Number(now[name] ?? 0) - Number(before[name] ?? 0)
      const events = ['created', 'acquired', 'completed', 'failed'].map((event) =>
        since(`jobsctl_transitions_total{domain="chatbooks",queue="default",job_type="export",event="${event}"}`),
      )
      const waits = since('jobsctl_job_wait_seconds_count{domain="chatbooks"}')
      const runs = ['completed', 'failed'].map((outcome) => [
        since(`jobsctl_job_run_seconds_count{domain="chatbooks",outcome="${outcome}"}`),
        since(`jobsctl_job_run_seconds_bucket{domain="chatbooks",outcome="${outcome}",le="86400"}`),
      ])
      return { events, waits, runs }
    }
    const wanted = {
      events: [3, 2, 1, 1],
      waits: 2,
      runs: [
        [1, 1],
        [1, 1],
      ],
    }
    await expect.poll(grown, { interval: 200 }).toEqual(wanted)
    expect(Number((await series(ofJobs))['jobsctl_job_wait_seconds_sum{domain="chatbooks"}'])).toBeGreaterThanOrEqual(0)
  })

  it('count bulk changes as they ended, also after their undo', async () => {
    await world.jobs(3, { status: 'failed', completed_at: ago(100 * 86_400) })
    const { body } = await world.confirm('/api/v1/jobs/prune', { statuses: ['failed'], older_than_days: 30 })
    const wanted = {
      'jobsctl_operations_total{kind="prune",state="done"}': 1,
      'jobsctl_operation_jobs_total{kind="prune"}': 3,
      jobsctl_operations_running: 0,
    }
    await untilSeries(wanted)
    const { operation_id: id } = Object(body)
    expect((await world.confirm(`/api/v1/jobs/operations/${id}/undo`, {})).status).toBe(200)
    await untilSeries({ ...wanted, 'jobsctl_operations_total{kind="undo",state="done"}': 1 })
  })

  it('count the plans that wait for a second person', async () => {
    const world = await openWorld(kind, { AUTH_MODE: 'multi_user', JOBS_METRICS_TOKEN: token })
    const { boss } = await makePeople(world.sql)
    const untilWaiting = (wanted: number) =>
      expect
        .poll(async () => {
          const { body } = await world.call('GET', ofJobs, undefined, bearer(token))
          return seriesOf(String(body)).jobsctl_plans_waiting
        })
        .toBe(wanted)
    await world.jobs(2, { status: 'failed' })
    await untilWaiting(0)
    const request = { path: '/api/v1/jobs/retry-now', request: { all: true } }
    const { id, digest } = planOf(await world.post(planPath, request, { ...boss, 'x-reason': 'why' }))
    await untilWaiting(1)
    // After a failover nobody can apply it any more.
    const [before] = await world.sql<{ origin: string }[]>`select origin from jobsctl_plans where id = ${id}`
    await world.sql`update jobsctl_plans set origin = '{"system":null,"timeline":null,"table":"1"}'`
    await untilWaiting(0)
    await world.sql`update jobsctl_plans set origin = ${before?.origin ?? null}`
    await untilWaiting(1)
    const no = await world.post(`${planPath}/${id}/reject`, { digest }, { ...boss, 'x-reason': 'no' })
    expect(no.status).toBe(200)
    await untilWaiting(0)
    await world.stop()
  })

  it('have what the last check in the background found, which a scrape does not look for', async () => {
    await world.jobs(2, { status: 'queued', lease_id: 'left', worker_id: 'left' })
    await world.sql`update jobsctl_tasks set begun_at = '-infinity' where task = 'records'`
    // The clock of the database was ahead.
    await world.sql`update jobsctl_tasks set begun_at = now() + interval '10 years' where task = 'integrity'`
    await untilSeries({ 'jobsctl_integrity_violations{check="stale_lease"}': 2, jobsctl_records_intact: 1 })
    const tasks = ['integrity', 'records', 'counts', 'maintenance']
    const found = await until('all tasks have succeeded', async () => {
      const now = await series(ofJobs)
      const times = tasks.map((task) => now[`jobsctl_background_last_success_timestamp_seconds{task="${task}"}`])
      return times.some((time) => time === undefined) ? undefined : times
    })
    for (const time of found) expect(Math.abs(Date.now() / 1000 - Number(time))).toBeLessThan(3600)
    await world.sql`delete from jobs`
    await world.jobs(1, { status: 'completed' })
    // The check is not due, so its finding stays.
    expect(await series(ofJobs)).toMatchObject({ 'jobsctl_integrity_violations{check="stale_lease"}': 2 })
  })

  it('of the database are read once for many scrapes', async () => {
    const waits = async () => Number((await series(ofProcess)).jobsctl_db_wait_seconds_count)
    await scrape(ofJobs)
    const before = await waits()
    await Promise.all(Array.from({ length: 200 }, () => scrape(ofJobs)))
    expect((await waits()) - before).toBeLessThan(200)
  })

  it('of the process measure requests by their route and count streams and refusals', async () => {
    await world.call('GET', '/api/v1/jobs/4711')
    await world.call('GET', '/no/such/path-4711')
    await world.call('GET', '/api/v1/jobs/stats', undefined, { 'x-api-key': '' })
    const before = await series(ofProcess)
    expect(before).toMatchObject({
      'jobsctl_http_request_duration_seconds_count{route="/api/v1/jobs/:id",status="404"}': expect.any(Number),
      'jobsctl_build_info{version="0.3.0"}': 1,
      'jobsctl_auth_failures_total{reason="missing"}': expect.any(Number),
      jobsctl_outcome_unknown_total: 0,
      jobsctl_streams: 0,
      process_cpu_seconds_total: expect.any(Number),
    })
    expect(Object.keys(before).some((name) => name.startsWith('nodejs_'))).toBe(true)
    expect(Object.keys(before).join()).not.toContain('4711')
    const states = ['busy', 'idle', 'closed', 'waiting'].map((state) => before[`jobsctl_db_pool{state="${state}"}`])
    expect(states.every((value) => Number(value) >= 0)).toBe(true)
    const reader = await readStats(world)
    await expect.poll(async () => (await series(ofProcess)).jobsctl_streams).toBe(1)
    reader.stop()
    await expect.poll(async () => (await series(ofProcess)).jobsctl_streams).toBe(0)
    await world.call('GET', '/api/v1/jobs/stats', undefined, { 'x-api-key': 'wrong' })
    const reason = 'jobsctl_auth_failures_total{reason="wrong"}'
    expect((await series(ofProcess))[reason]).toBe(Number(before[reason]) + 1)
  })

  it('give the first 1,000 groups series, and later ones share one', async () => {
    // Groups of the history have been seen, too.
    await world.sql`delete from jobsctl_transitions`
    await world.sql`delete from jobsctl_history_totals`
    await world.sql`
      insert into jobsctl_metric_groups (domain, queue, job_type)
      select 'known', 'q', n::text from generate_series(1, 999) as n`
    await world.jobs(1, { status: 'queued', domain: 'first' })
    const first = 'jobsctl_jobs{domain="first",queue="default",job_type="export",state="queued"}'
    await untilSeries({ [first]: 1 })
    await world.jobs(2, { status: 'queued', domain: 'second' })
    await world.jobs(3, { status: 'queued', domain: 'third' })
    await untilSeries({
      [first]: 1,
      'jobsctl_jobs{domain="other",queue="other",job_type="other",state="queued"}': 5,
      'jobsctl_jobs{domain="known",queue="q",job_type="999",state="queued"}': 0,
    })
    expect(await series(ofJobs)).toHaveProperty('jobsctl_oldest_ready_age_seconds{domain="other",queue="other"}')
  })
})

describe('metrics of a pool that is small', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user', JOBS_METRICS: 'on', JOBS_DB_POOL: '2' })
  })
  afterAll(() => world?.stop())

  it('tell how long statements wait for connections, and how long a transaction is open', async () => {
    const admin = bearer(await makeToken(world.sql, 'pool', 'admin'))
    const series = async (path: string) => seriesOf(String((await world.call('GET', path, undefined, admin)).body))
    const gate = new AbortController()
    const open = world.sql.begin(async (tx) => {
      await tx`insert into job_events (event_type) values ('other')`
      await until('the gate is open', () => gate.signal.aborted)
    })
    await expect
      .poll(async () => Number((await series(ofJobs)).jobsctl_events_watermark_lag_seconds))
      .toBeGreaterThan(1)
    const { jobsctl_oldest_transaction_age_seconds: age } = await series(ofJobs)
    expect(age).toBeGreaterThan(1)
    expect((await series(ofProcess))['jobsctl_db_pool{state="busy"}']).toBeGreaterThanOrEqual(1)
    gate.abort()
    await open
    await expect.poll(async () => (await series(ofJobs)).jobsctl_events_watermark_lag_seconds).toBe(0)
    expect((await series(ofProcess)).jobsctl_db_wait_seconds_count).toBeGreaterThan(0)
  })
})

it('say in a comment what they lack, such as a history that is off', async () => {
  const world = await openWorld('postgres', { JOBS_METRICS: 'on', JOBS_HISTORY: 'off' })
  try {
    await expect
      .poll(async () => String((await world.call('GET', ofJobs)).body), { interval: 200 })
      .toMatch(/^# jobsctl_transitions_total, .* are missing: history is off/m)
    expect(String((await world.call('GET', ofJobs)).body)).not.toMatch(/^jobsctl_transitions_total/m)
  } finally {
    await world.stop()
  }
})

it('of two servers that are both scraped are the same counters, in which nothing counts twice', async () => {
  const world = await openWorld('postgres', { JOBS_METRICS: 'on' })
  const second = await startServer({ ...world.env, PORT: '0' }, () => {})
  await second.prepared
  const at = (url: string) => (method: string, path: string, body?: unknown) =>
    call({ url, method, path, body, headers: { 'x-api-key': world.key, 'x-confirm': 'true' } })
  const sends = [at(world.url), at(second.url)]
  try {
    for (const send of sends) await untilHistoryIsKept({ call: send })
    for (const send of sends) {
      const worker = workerOf((path, body) => send('POST', path, body))
      await worker.enqueueAll([{}, {}])
      await worker.complete(await worker.take())
    }
    await world.jobs(3, { status: 'failed', domain: 'old' })
    await sends[1]?.('POST', paths.prune, { domain: 'old' })
    const group = 'domain="chatbooks",queue="default",job_type="export"'
    await untilSameCounters(
      sends.map((send) => async () => String((await send('GET', ofJobs)).body)),
      {
        [`jobsctl_jobs{${group},state="queued"}`]: 2,
        [`jobsctl_transitions_total{${group},event="created"}`]: 4,
        [`jobsctl_transitions_total{${group},event="completed"}`]: 2,
        'jobsctl_job_run_seconds_count{domain="chatbooks",outcome="completed"}': 2,
        'jobsctl_operations_total{kind="prune",state="done"}': 1,
        'jobsctl_operation_jobs_total{kind="prune"}': 3,
      },
    )
  } finally {
    await second.stop()
    await world.stop()
  }
})
