import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { history } from '../../../shared/endpoints.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { fillBullMq, makeBullMq, oddQueues } from '../../support/engines/bullmq.ts'
import { fillGraphileWorker, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../support/engines/mapped.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const schema = `Queues "of" O'Brien`
const day = 86_400_000

/** A server that looks at the jobs of an engine. */
interface World {
  sql: postgres.Sql
  url: string
  read: (query?: Record<string, string>) => Promise<ReturnType<typeof history.output.parse>>
  close: () => Promise<void>
}

async function openWorld(
  make: (sql: postgres.Sql) => Promise<unknown>,
  env: Record<string, string> = {},
): Promise<World> {
  const database: TestDatabase = await emptyDatabase()
  const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  await make(sql)
  const server = await startServer({ ...database.env, ...env, SINGLE_USER_API_KEY: 'key' })
  await server.prepared
  return {
    sql,
    url: server.url,
    async read(query = {}) {
      const since = new Date(Date.now() - 5 * day).toISOString()
      const path = `${history.path}?${new URLSearchParams({ from: since, step: '1h', ...query })}`
      const { status, body } = await call({ url: server.url, method: 'GET', path, headers: { 'x-api-key': 'key' } })
      expect(status, JSON.stringify(body)).toBe(200)
      return history.output.parse(body)
    },
    async close() {
      await server.stop()
      await sql.end()
      await database.drop()
    },
  }
}

type Point = Awaited<ReturnType<World['read']>>['points'][number]

/** The numbers of the hours that are not 0, a line each. */
const linesOf = (points: readonly Point[], names: readonly ('created' | 'completed' | 'failed' | 'cancelled')[]) =>
  points
    .flatMap((point) =>
      [...names.map((name) => [name, point[name]] as const), ['run', point.run.jobs] as const].map((one) => ({
        at: point.at,
        one,
      })),
    )
    .flatMap(({ at, one: [name, jobs] }) => (jobs === 0 ? [] : `${at} ${name} ${jobs}`))
    .toSorted()
const counted = (rows: readonly { at: Date; what: string; jobs: number }[]) =>
  rows.map(({ at, what, jobs }) => `${at.toISOString()} ${what} ${jobs}`).toSorted()

describe('the history of jobs of BullMQ', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(async (sql) => {
      await makeBullMq({ sql, version: 11, schema })
      await fillBullMq({ sql, version: 11, schema })
    })
  })
  afterAll(() => world.close())
  const ends = async (queue: string | null) =>
    counted(
      await world.sql<{ at: Date; what: string; jobs: number }[]>`
      select date_trunc('hour', to_timestamp(finished_at_ms / 1000.0), 'UTC') as at, what, count(*)::int as jobs
      from ${world.sql(`${schema}.job`)}
      cross join lateral (select state::text as what union all select 'run' where processed_at_ms is not null) as whats
      where finished_at_ms is not null and (${queue}::text is null or queue = ${queue})
      group by 1, 2`,
    )

  it('has the ends that PostgreSQL counts, and says what they do not tell', async () => {
    const answer = await world.read()
    expect(linesOf(answer.points, ['created', 'completed', 'failed'])).toEqual(await ends(null))
    expect(
      linesOf((await world.read({ queue: oddQueues.odd, domain: schema })).points, ['completed', 'failed']),
    ).toEqual(await ends(oddQueues.odd))
    expect(answer.of_jobs).toMatchObject({
      not_read: null,
      not_told: expect.arrayContaining(['created', 'acquired', 'wait']),
    })
    // Any job may have been deleted when it ended: removeOnComplete is an option of jobs and of workers.
    expect(Date.now() - Date.parse(answer.since ?? '')).toBeLessThan(60_000)
  })

  it('is printed without the numbers that are not known', async () => {
    const argv = ['history', '--since', '5d', '--step', '1h', '--tsv']
    const { code, out } = await runJobsctl(argv, { env: { JOBSCTL_URL: world.url, JOBSCTL_API_KEY: 'key' } })
    expect(code).toBe(0)
    // Created, acquired and the waits are empty, and the runs are there.
    const cells = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'))
    expect(new Set(cells.map((row) => [row[1], row[2], row[11], row[12]].join()))).toEqual(new Set([',,,']))
    expect(cells.every((row) => row[13] !== '')).toBe(true)
  })
})

describe('the history of jobs of graphile-worker', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(async (sql) => {
      await makeGraphileWorker({ sql })
      await fillGraphileWorker({ sql })
    })
  })
  afterAll(() => world.close())

  it('has the ends of dead jobs, and no answer of completed ones', async () => {
    const answer = await world.read()
    const sum = answer.points.reduce((all, { failed }) => all + failed, 0)
    const [{ dead }] = await world.sql<[{ dead: number }]>`
      select count(*)::int as dead from graphile_worker._private_jobs where attempts >= max_attempts and locked_at is null`
    expect(sum).toBe(dead)
    expect(sum).toBeGreaterThan(10)
    expect(answer.of_jobs?.not_told).toEqual(
      expect.arrayContaining(['created', 'acquired', 'completed', 'wait', 'run']),
    )
    expect(answer.why).toContain('no history is kept for graphile-worker')
    const queue = await world.read({ queue: '_' })
    expect(queue.points.reduce((all, { failed }) => all + failed, 0)).toBe(10)
  })
})

describe('the history of jobs of a mapped table', () => {
  let world: World
  afterAll(() => world.close())

  it('has their ends and their creation; without a time of the end it is refused', async () => {
    world = await openWorld(
      async (sql) => {
        await makeEmailJobs(sql, 'uuid')
        await fillEmailJobs(sql, 300)
      },
      { JOBS_MAP_FILE: await mapFile(emailMap) },
    )
    const { sql } = world
    const answer = await world.read()
    const rows = await sql<{ at: Date; what: string; jobs: number }[]>`
      select date_trunc('hour', at, 'UTC') as at, what, count(*)::int as jobs
      from (
        select updated_at as at, (array['completed', 'failed', 'cancelled'])[state - 1] as what from app.email_jobs where state > 1
        union all select created_at, 'created' from app.email_jobs
      ) as times
      group by 1, 2`
    expect(linesOf(answer.points, ['created', 'completed', 'failed', 'cancelled'])).toEqual(counted(rows))
    expect(answer.of_jobs?.not_told).toEqual(expect.arrayContaining(['acquired', 'wait']))
    expect(answer.of_jobs?.not_told).not.toContain('created')
    const { host, port, database, user } = sql.options
    const server = await startServer({
      JOBS_DB_URL: `postgres://${user}@${host[0]}:${port[0]}/${database}`,
      JOBS_MAP_FILE: await mapFile(emailMap.replace(', ended: updated_at', '').replace(/prune: .*\n/, '')),
      SINGLE_USER_API_KEY: 'key',
    })
    await server.prepared
    const refused = await runJobsctl(['history'], { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: 'key' } })
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('times.ended') })
    await server.stop()
  })
})
