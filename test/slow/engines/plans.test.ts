import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import * as z from 'zod'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { makePgBoss, makeQueue, type SchemaVersion } from '../../support/engines/pg-boss.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const jobs = 100_000
const queues = Array.from({ length: 22 }, (_, n) => `queue ${n}`)
const queue = 'queue 3'

/** About 3,500 jobs are so old. */
const oldest = { domain: 'pgboss', older_than_days: 11, statuses: ['completed'] }

/** The log of the PostgreSQL of the tests, beside its data. */
const log = '../log'

/** A node of a plan, as `auto_explain` has it in JSON. */
interface Node {
  'Node Type': string
  'Relation Name'?: string | undefined
  'Actual Loops': number
  'Shared Hit Blocks': number
  'Shared Read Blocks': number
  'Temp Written Blocks': number
  Plans?: Node[] | undefined
}
const Node: z.ZodType<Node> = z.lazy(() =>
  z.looseObject({
    'Node Type': z.string(),
    'Relation Name': z.string().optional(),
    'Actual Loops': z.number(),
    'Shared Hit Blocks': z.number(),
    'Shared Read Blocks': z.number(),
    'Temp Written Blocks': z.number(),
    Plans: z.array(Node).optional(),
  }),
)
const Explained = z.looseObject({ Plan: Node })

const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

/** The plans in a piece of the log; its further lines of an entry are indented. */
const plansIn = (text: string): Node[] =>
  text.split(/^(?=\S)/m).flatMap((entry) => {
    const json = / plan:\n(\t\{.*\})/s.exec(entry)?.[1]
    return json === undefined ? [] : [Explained.parse(JSON.parse(json.replaceAll(/^\t/gm, ''))).Plan]
  })

/** What the statements of a call have read. */
interface Reading {
  statements: number
  /** Tables of jobs that were read from the beginning to the end. */
  scanned: string[]
  /** Pages of 8 kB, each as often as it was looked at. */
  pages: number
  /** Pages that were written because the memory of the session was too small. */
  spilled: number
}

describe.each<SchemaVersion>([24, 37, 46])('reads of %i, of 100,000 jobs', (version) => {
  let database: TestDatabase
  let sql: postgres.Sql
  let server: Awaited<ReturnType<typeof startServer>>
  let canExplain: boolean
  let id: string

  beforeAll(async () => {
    database = await emptyDatabase()
    const url = database.env.JOBS_DB_URL ?? ''
    sql = postgres(url, { max: 1, onnotice: () => {} })
    const place = { sql, version }
    await makePgBoss(place)
    for (const [n, name] of queues.entries()) await makeQueue(place, name, n < 2 ? { partition: true } : {})
    await sql`
      insert into pgboss.job (name, state, output, created_on, start_after, started_on, completed_on, retry_count)
      select
        'queue ' || abs(hashint4(i)) % 22, state::pgboss.job_state,
        case when state = 'failed' then jsonb_build_object('message', 'error ' || i % 1000, 'stack', repeat('at x ', 60)) end,
        created, created,
        case when state in ('active', 'completed', 'failed') then created end,
        case when state in ('completed', 'failed', 'cancelled') then created + interval '1 second' end,
        case when state = 'retry' then 1 else 0 end
      from (
        select
          i, now() - (${jobs} - i) * interval '10 seconds' as created,
          case i % 25 when 0 then 'created' when 1 then 'created' when 2 then (array['active', 'retry'])[1 + i % 2]
            when 3 then 'failed' when 4 then 'failed' when 5 then 'cancelled' else 'completed' end as state
        from generate_series(1, ${jobs}::int) as i
      ) as made`
    // An autovacuum at the same time keeps pages from being all visible, and an index alone would not do for them.
    await until('every page is visible to all', async () => {
      await sql`vacuum (analyze)`
      const [row] = await sql<[{ are_visible: boolean }]>`
        select bool_and(relallvisible = relpages) as are_visible
        from pg_class
        where relnamespace = 'pgboss'::regnamespace and relkind = 'r' and relpages > 100`
      return row.are_visible
    })
    const [job] = await sql<[{ id: string }]>`
      select id from pgboss.job where name = ${queue} and state = 'failed' limit 1`
    id = job.id
    canExplain = await sql`load 'auto_explain'`.then(
      () => true,
      () => false,
    )
    if (canExplain) {
      const settings = {
        session_preload_libraries: 'auto_explain',
        ...{ 'auto_explain.log_min_duration': '0', 'auto_explain.log_analyze': 'on', 'auto_explain.log_timing': 'off' },
        ...{ 'auto_explain.log_buffers': 'on', 'auto_explain.log_format': 'json' },
      }
      const name = decodeURIComponent(new URL(url).pathname.slice(1))
      for (const [setting, value] of Object.entries(settings))
        await sql.unsafe(`alter database "${name}" set ${setting} = '${value}'`)
    }
    if (version === 46)
      expect(await runServer(['migrate', '--engine', 'pg-boss'], database.env)).toMatchObject({ code: 0 })
    // What a server reads in the background would count for the call that runs at the same time.
    server = await startServer({
      ...database.env,
      ...{ SINGLE_USER_API_KEY: 'key', JOBS_METRICS: 'on', JOBS_BACKGROUND: 'false' },
    })
    await server.prepared
  })
  afterAll(async () => {
    await server.stop()
    await sql.end()
    await database.drop()
  })

  async function readingOf(path: string, posted?: object): Promise<Reading> {
    const [{ size }] = await sql<[{ size: string }]>`select size::text from pg_stat_file(${log})`
    const { status, body } = await call({
      url: server.url,
      method: posted ? 'POST' : 'GET',
      path,
      headers: { 'x-api-key': 'key', 'x-confirm': 'true' },
      ...(posted && { body: posted }),
    })
    expect({ isDone: status === 200 || status === 201, body }).toMatchObject({ isDone: true })
    const [{ text }] = await sql<[{ text: string }]>`
      select pg_read_file(${log}, ${size}::text::bigint, 100000000) as text`
    const plans = plansIn(text)
    const scans = plans
      .flatMap(nodesOf)
      .filter((node) => node['Node Type'] === 'Seq Scan' && node['Actual Loops'] > 0)
      .flatMap((node) => node['Relation Name'] ?? [])
    return {
      statements: plans.length,
      scanned: scans.filter((name) => /^(job_common|j[0-9a-f]{40,})$/.test(name)),
      pages: plans.reduce((all, plan) => all + plan['Shared Hit Blocks'] + plan['Shared Read Blocks'], 0),
      spilled: plans.reduce((all, plan) => all + plan['Temp Written Blocks'], 0),
    }
  }

  /** Holds what a read may look at. A row that an index finds is a page or two, and of 100,000 rows 8,000 have failed and 2,000 run. */
  const holds = async (context: TestContext, path: string, mostPages: number, posted?: object) => {
    context.skip(!canExplain, 'this PostgreSQL has no auto_explain')
    const { statements, scanned, pages, spilled } = await readingOf(path, posted)
    expect(statements).toBeGreaterThan(0)
    expect({ scanned, spilled, isBounded: pages <= mostPages, pages }).toEqual({
      scanned: [],
      spilled: 0,
      isBounded: true,
      pages,
    })
  }

  it('find a job by its key', async (context) => {
    const path = `/api/v1/jobs/job?key=${queue}/${id}`
    // It reads on two connections, and one that the driver opens for it reads the types of the database.
    await readingOf(path)
    await holds(context, path, 50)
  })
  it('find a job by its uuid', (context) => holds(context, `/api/v1/jobs/job?key=${id}`, 200))

  describe.runIf(version === 46)('with the indexes of 12.38', () => {
    it.for([
      ['/api/v1/jobs/stats', 700],
      ['/api/v1/jobs/list?limit=100', 700],
      [`/api/v1/jobs/list?queue=${queue}&limit=100`, 400],
      ['/api/v1/jobs/list?sort_by=ended_at&limit=100', 700],
      ['/api/v1/jobs/list?status=failed&limit=100', 12_000],
      ['/api/v1/jobs/clusters', 12_000],
      ['/api/v1/jobs/stale', 6000],
      ['/api/v1/jobs/workers', 3000],
      [`/api/v1/jobs/queues/explain?domain=pgboss&queue=${queue}`, 600],
      ['/metrics/jobs', 12_000],
    ] as const)('%s', ([path, mostPages], context) => holds(context, path, mostPages))

    it('a prune of the oldest jobs, previewed', (context) =>
      holds(context, '/api/v1/jobs/prune', 3000, { ...oldest, dry_run: true }))

    it('a cancel of named jobs, its record, and a hold of them', async (context) => {
      const waiting = await sql<{ id: string }[]>`
        select name || '/' || id as id from pgboss.job where state = 'created' order by id limit 40`
      const ids = waiting.map(({ id }) => id)
      await holds(context, '/api/v1/jobs/batch/cancel', 12_000, { ids })
      await holds(context, '/api/v1/jobs/operations/1', 1000)
      await holds(context, '/api/v1/jobs/holds', 3000, { ids, until: new Date(Date.now() + 86_400_000).toISOString() })
    })
  })
})
