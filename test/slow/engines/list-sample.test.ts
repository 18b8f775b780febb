import postgres from 'postgres'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { emptyDatabase } from '../../support/database/database.ts'
import { makeBullMq } from '../../support/engines/bullmq.ts'
import { addJobs, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../support/engines/mapped.ts'
import { makePgBoss, makeQueue, type SchemaVersion } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'

const jobs = 3000

interface Engine {
  name: string
  /** The table of its jobs. */
  table: string
  make: (sql: postgres.Sql) => Promise<unknown>
  env?: () => Promise<Record<string, string>>
}

/** Queues with a table of their own, and one in the table of all others. */
const pgBoss = (version: SchemaVersion): Engine => ({
  name: `pg-boss with schema ${version}`,
  table: `"O'Brien"."job"`,
  async make(sql) {
    const place = { sql, version, schema: `O'Brien` }
    await makePgBoss(place)
    await makeQueue(place, `it's`, { partition: true })
    await makeQueue(place, 'mail')
    await sql`
      insert into ${sql(`${place.schema}.job`)} (name, data, created_on, state, completed_on)
      select
        case n % 2 when 0 then 'mail' else 'it''s' end, jsonb_build_object('text', repeat('x', 300)), now() - n * interval '1 s',
        'completed', now()
      from generate_series(1, ${jobs}::int) as n`
  },
})

const engines: Engine[] = [
  pgBoss(37),
  pgBoss(46),
  {
    name: 'BullMQ',
    table: 'bullmq.job',
    async make(sql) {
      await makeBullMq({ sql, version: 11 })
      await sql`
        insert into bullmq.job (queue, id, seq, name, state, data, added_at_ms, finished_at_ms)
        select 'mail', n, n, 'welcome', 'completed', jsonb_build_object('text', repeat('x', 300)), 1000 * n, 1000 * n
        from generate_series(1, ${jobs}::int) as n`
    },
  },
  {
    name: 'graphile-worker',
    table: 'graphile_worker._private_jobs',
    async make(sql) {
      await makeGraphileWorker({ sql })
      const columns = {
        created_at: `now() - n * interval '1 s'`,
        payload: `json_build_object('text', repeat('x', 300))`,
      }
      await addJobs({ sql }, { task: 'mail', count: jobs, columns })
    },
  },
  {
    name: 'a mapped table',
    table: 'app.email_jobs',
    async make(sql) {
      await makeEmailJobs(sql, 'bigint')
      await fillEmailJobs(sql, jobs)
    },
    env: async () => ({ JOBS_MAP_FILE: await mapFile(emailMap) }),
  },
]

describe.each(engines)('a list of all jobs of $name', ({ table, make, env = async () => ({}) }) => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  it('answers the first jobs of a sample where it takes too long to read all of them, and says so', async () => {
    const database = await emptyDatabase()
    closing.push(() => database.drop())
    const sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 2, onnotice: () => {} })
    closing.push(() => sql.end())
    await make(sql)
    // The planner believes that a sample of 50,000 jobs is a quarter of them.
    await sql.unsafe(`analyze ${table}`)
    await sql`
      update pg_class set reltuples = reltuples * 200000 / ${jobs}::int
      where relkind = 'r' and oid in (select relid from pg_partition_tree(${table}::text::regclass) union all select ${table}::text::regclass)`
    const server = await startServer({
      ...database.env,
      ...(await env()),
      SINGLE_USER_API_KEY: 'key',
      JOBS_STATEMENT_TIMEOUT_SECONDS: '2',
    })
    closing.push(() => server.stop())
    await server.prepared
    const list = async (query: string) => {
      const path = `/api/v1/jobs/list?limit=1000&${query}`
      const { status, body, headers } = await call({
        ...{ url: server.url, method: 'GET', path },
        headers: { 'x-api-key': 'key' },
      })
      const { data: rows = [], success } = Rows.safeParse(body)
      if (!success) throw new Error(`${status} ${JSON.stringify(body)}`)
      return { status, headers, rows }
    }
    /** The answer to a list whose first statement waits for the table until it is given up. */
    const listInTime = async (query: string) => {
      const transactions = new Set<string>()
      const lists: ReturnType<typeof list>[] = []
      let answered = 0
      await sql.begin(async (tx) => {
        await tx.unsafe(`lock table ${table} in access exclusive mode`)
        lists.push(list(query))
        void lists[0]?.finally(() => answered++).catch(() => {})
        await until('a second transaction of the server waits for the table', async () => {
          const waiting = await sql<{ name: string }[]>`
            select pid || ' ' || xact_start as name from pg_stat_activity
            where datname = current_database() and wait_event = 'relation'`
          for (const { name } of waiting) transactions.add(name)
          return transactions.size > 1 || answered > 0
        })
      })
      const [answer = list(query)] = lists
      return answer
    }
    const whole = await list('')
    expect(whole.headers).toMatchObject({ 'x-complete': 'true' })
    expect(whole.headers.link).toContain('rel="next"')
    const [newest, ...others] = [
      await listInTime(''),
      await listInTime('sort_by=ended_at&sort_order=asc&status=completed,queued'),
      await listInTime('sort_by=priority'),
    ]
    for (const { headers, rows } of [newest, ...others]) {
      expect(headers).toMatchObject({ 'x-complete': 'false', 'x-scanned': '50000' })
      expect(headers.link).toBeUndefined()
      expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
    }
    const times = newest.rows.map(({ created_at }) => created_at)
    expect(times.length).toBeGreaterThan(jobs / 10)
    expect(times.length).toBeLessThan(jobs / 2)
    expect(times).toEqual(times.toSorted().toReversed())
  }, 240_000)
})

const Rows = z.array(z.looseObject({ id: z.union([z.string(), z.number()]), created_at: z.string().nullable() }))
