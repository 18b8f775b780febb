import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bucketBounds } from '../../../server/history/buckets.ts'
import { history, storage } from '../../../shared/endpoints.ts'
import { partitionJobs } from '../../support/database/partitions.ts'
import { expectExact, untilFolded, untilKept, watchRows } from '../../support/observe/history.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { openWorld, type World } from '../../support/world.ts'

describe('the history of jobs', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
    await untilKept(world)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const answer = async () => history.output.parse((await world.call('GET', history.path)).body)
  const insert = () => world.sql`insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'queued')`
  const waiting = async () => {
    const [row] = await world.sql<[{ n: number }]>`
      select (select count(*) from jobsctl_transitions)::int + (select count(*) from jobsctl_history_totals)::int as n`
    return row.n
  }

  /** Another server, until it has written its setting. */
  const serveWith = async (setting: string, isSet: () => Promise<boolean>) => {
    const server = await startServer({ ...world.env, JOBS_HISTORY: setting, PORT: '0' }, () => {})
    await server.prepared
    await until(`history is ${setting}`, isSet)
    await server.stop()
  }

  it('writes nothing while it is off, says so, and has a gap afterwards', async () => {
    await serveWith('off', async () => (await answer()).why?.includes('JOBS_HISTORY=on') === true)
    await until('no transition is waiting', async () => {
      await world.clear()
      await insert()
      return (await waiting()) === 0
    })
    const off = await answer()
    expect(off).toMatchObject({ kept: false, gaps: [{ from: expect.any(String) }] })
    await serveWith('on', async () => (await answer()).kept)
    await insert()
    expect(await waiting()).toBe(1)
    expect((await answer()).gaps).toHaveLength(1)
  })

  it('tells of a trigger that somebody has disabled, and leaves it disabled', async () => {
    await world.sql`alter table jobs disable trigger jobsctl_history_update`
    expect(await answer()).toMatchObject({
      kept: false,
      why: 'a trigger of jobs is missing or disabled: jobsctl_history_update is disabled',
      triggers: [{ trigger: 'jobsctl_history_update', table: 'jobs', state: 'disabled' }],
    })
    expect((await world.jobsctl(['doctor'])).out).toMatch(
      /^history\twarning\t.*alter table jobs enable always trigger jobsctl_history_update$/m,
    )
    const { out } = await runServer(['schema'], world.env)
    expect(out).toMatch(/^trigger\t\S*jobs\tjobsctl_history_update\tdisabled\tjobs-server\t/m)
    expect(out).toMatch(/^trigger\t\S*jobs\tjobsctl_history_insert\tthere\t/m)
    await world.sql`alter table jobs enable always trigger jobsctl_history_update`
    expect(await answer()).toMatchObject({ kept: true })
  })

  it('ends what is over its term, and nothing else', async () => {
    await world.sql`
      insert into jobsctl_transitions (domain, queue, job_type, from_status, to_status, minute, jobs)
      select 'd', 'q', 't', '', 'queued', date_trunc('minute', now() - days * interval '1 day', 'UTC'), 1
      from unnest(array[0, 6, 8, 89, 91]) as days`
    // A name that is too long for an index, and a status that no job has.
    await world.sql`
      insert into jobsctl_transitions (domain, queue, job_type, from_status, to_status, minute, jobs)
      values (repeat('x', 5000), null, 't', '', 'strange', now(), 1)`
    await untilFolded(world)
    const server = await startServer({ ...world.env, PORT: '0' }, () => {})
    const counts = async () => {
      const [row] = await world.sql<[{ minutes: number; hours: number; jobs: number }]>`
        select
          (select count(*)::int from jobsctl_history_minutes where domain = 'd') as minutes,
          (select count(*)::int from jobsctl_history_hours where domain = 'd') as hours,
          (select jobs::int from jobsctl_history_totals where domain = 'd') as jobs`
      return JSON.stringify(row)
    }
    await until('the terms are over', async () => (await counts()) === '{"minutes":2,"hours":4,"jobs":5}')
    await server.stop()
    expect(await world.sql`select queue, to_status from jobsctl_history_totals where domain = ''`).toEqual([
      { queue: '', to_status: 'other' },
    ])
    const stored = storage.output.parse((await world.call('GET', storage.path)).body).tables
    expect(stored.filter(({ table }) => /^jobsctl_(history|marks)/.test(table))).toMatchObject([
      { table: 'jobsctl_history_minutes', days: 7, oldest: expect.any(String) },
      { table: 'jobsctl_history_hours', days: 90, oldest: expect.any(String) },
      { table: 'jobsctl_history_totals' },
      { table: 'jobsctl_marks' },
    ])
  })

  it('costs about what the counts cost, also where a session has changed one row first', async () => {
    await world.sql`
      insert into jobs (domain, queue, job_type, status) select 'd', 'q', 't', 'queued' from generate_series(1, 4000)`
    const lines = await world.sql.begin(async (tx) => {
      await tx`update jobs set status = 'failed' where id = (select min(id) from jobs)`
      return tx<{ 'QUERY PLAN': string }[]>`explain analyze update jobs set status = 'processing'`
    })
    const plan = lines.map((line) => line['QUERY PLAN']).join('\n')
    const timeOf = (trigger: string) => Number(new RegExp(`Trigger ${trigger}: time=([\\d.]+)`).exec(plan)?.[1])
    // A plan that compares each row with each takes 200 times as long.
    expect(timeOf('jobsctl_history_update')).toBeLessThan(30 * timeOf('jobsctl_count_update') + 2000)
  })

  it('has the bounds of its trigger in the contract', async () => {
    const [row] = await world.sql<[{ text: string }]>`
      select prosrc as text from pg_proc where proname = 'jobsctl_history_update'`
    expect(row.text.replaceAll(/\s+/g, ' ')).toContain(
      `array[ ${bucketBounds.map((bound) => Math.round(1000 * bound)).join(', ')} ]`,
    )
  })

  it('keeps the newest 10,000 marks, and takes no mark that is blank, too long, or of several lines', async () => {
    await world.sql`
      insert into jobsctl_marks (text, caller) select 'mark ' || n, 'c' from generate_series(1, 10000) as n`
    const mark = (text: string) => world.post('/api/v1/jobs/marks', { text })
    expect(await mark(' last ')).toMatchObject({ status: 201, body: { text: 'last', caller: 'single-user' } })
    expect(await world.sql`select count(*)::int as n, min(id)::int as first from jobsctl_marks`).toEqual([
      { n: 10_000, first: 2 },
    ])
    for (const text of [' ', 'x'.repeat(201), 'a\nb', '\ud800'])
      expect(await mark(text), JSON.stringify(text)).toMatchObject({ status: 422 })
    expect((await world.call('GET', '/api/v1/jobs/marks?text=mark%205')).body).toMatchObject([{ text: 'mark 5' }])
    expect((await world.call('GET', '/api/v1/jobs/marks?limit=2')).body).toMatchObject([{ text: 'last' }, {}])
  })
})

describe('the history of jobs in partitions', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres')
  })
  afterAll(() => world?.stop())

  it('has what is written by the name of the table, and by that of a partition, once', async () => {
    const { sql } = world
    await partitionJobs(sql, 'a')
    const server = await startServer({ ...world.env, PORT: '0' }, () => {})
    await until('the partitions have triggers', async () => {
      const [row] = await sql`select from jobsctl_history where until > now() and cardinality(tables) = 3`
      return row
    })
    await watchRows(sql)
    await sql`delete from jobsctl_history_totals`
    const uuid = randomUUID()
    await sql`insert into jobs (uuid, domain, queue, job_type, status) values (${uuid}, 'a', 'q', 't', 'queued'), ('b', 'b', 'q', 't', 'queued')`
    await sql`insert into jobs_a (domain, queue, job_type, status) values ('a', 'q', 't', 'queued')`
    await sql`update jobs set status = 'processing', acquired_at = now(), lease_id = 'l'`
    await sql`update jobs_others set status = 'completed', completed_at = now()`
    await expectExact(world)
    // A job that moves to another partition: a trigger for each row takes it for another job.
    await sql`update jobs set status = 'failed', completed_at = now(), domain = 'c' where uuid = ${uuid}`
    await untilFolded(world)
    expect(await sql`select from_status, to_status, jobs::int from jobsctl_history_totals where domain = 'c'`).toEqual([
      { from_status: 'processing', to_status: 'failed', jobs: 1 },
    ])
    await server.stop()
  })
})
