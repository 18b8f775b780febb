import type { Sql } from 'postgres'
import { expect } from 'vitest'
import * as z from 'zod'
import { bodyOf, paths } from './answers.ts'
import type { Side } from './side-by-side.ts'

/** Which jobs a test writes, as a worker of another program left them 40 days ago. */
export interface Wanted {
  n: number
  domain?: string
  queue?: string
  status?: 'queued' | 'completed' | 'failed' | 'quarantined'
}

/**
 * Writes `n` jobs by plain SQL, each with an attachment, and with an edge to the one before it.
 * @returns their ids
 */
export async function insertJobs(
  sql: Sql,
  { n, domain = 'chatbooks', queue = 'default', status = 'completed' }: Wanted,
): Promise<number[]> {
  const jobs = await sql<{ id: number; uuid: string }[]>`
    insert into jobs (
      uuid, domain, queue, job_type, status, payload, result, priority, idempotency_key, created_at, started_at,
      completed_at, quarantined_at, failure_streak_code, failure_streak_count
    )
    select
      gen_random_uuid()::text, ${domain}, ${queue}, 'export', ${status}, '{"name": "Überblick 📚", "n": 12345678901234567890}',
      case when ${status}::text = 'completed' then '{"pages": [1, 2.50]}'::jsonb end, 1 + n % 10, gen_random_uuid()::text,
      ended - interval '1 hour 0.000001 second', ended,
      case when ${status}::text in ('completed', 'failed') then ended end,
      case when ${status}::text = 'quarantined' then ended end,
      case when ${status}::text = 'quarantined' then 'timeout' end, case when ${status}::text = 'quarantined' then 3 else 0 end
    from generate_series(1, ${n}::int) as n
    cross join lateral (select now() - interval '40 days' + n * interval '1 millisecond' as ended) as times
    returning id::int, uuid`
  await sql`
    insert into job_attachments (job_id, kind, content_text)
    select id, 'log', 'the log of ' || id from unnest(${jobs.map(({ id }) => id)}::bigint[]) as id`
  await sql`
    insert into job_dependencies (job_uuid, depends_on_job_uuid)
    select uuid, lag from (
      select uuid, lag(uuid) over (order by at) from unnest(${jobs.map(({ uuid }) => uuid)}::text[]) with ordinality as job (uuid, at)
    ) as chain
    where lag is not null`
  return jobs.map(({ id }) => id)
}

/**
 * Every column of every job, attachment and edge, as text of PostgreSQL; of the jobs without the column `but`, and without nulls, since a
 * build may add a column.
 */
export async function everything(sql: Sql, but = ''): Promise<Record<'jobs' | 'attachments' | 'edges', string[]>> {
  const lines = async (rows: Promise<{ line: string }[]>) => (await rows).map(({ line }) => line)
  return {
    jobs: await lines(sql`
      select (
        select jsonb_object_agg(key, value) from jsonb_each(to_jsonb(jobs) - ${but}::text) where value <> 'null'
      )::text as line
      from jobs order by id`),
    attachments: await lines(sql`select to_jsonb(a)::text as line from job_attachments a order by id`),
    edges: await lines(
      sql`select to_jsonb(d)::text as line from job_dependencies d order by job_uuid, depends_on_job_uuid`,
    ),
  }
}

/** How many jobs there are. */
export async function countJobs(sql: Sql): Promise<number> {
  const [row] = await sql<{ n: number }[]>`select count(*)::int as n from jobs`
  return row?.n ?? 0
}

/** The records of bulk changes in the order of their ids. */
export const readRecords = async (sql: Sql) => [
  ...(await sql<{ id: number; kind: string; state: string; affected: number }[]>`
    select id::int, kind, state, affected::int from job_operations order by id`),
]

/** Empties the tables of jobs, events and records. */
export async function clear(sql: Sql): Promise<void> {
  const tables = ['jobs', 'job_events', 'job_attachments', 'job_dependencies', 'job_queue_controls', 'jobs_archive']
  const records = ['job_operations', 'job_operation_days', 'job_operation_rows']
  await sql.unsafe([...tables, ...records].map((table) => `delete from ${table}`).join(';'))
}

const Groups = z.array(
  z.object({
    ...{ domain: z.string(), queue: z.string(), job_type: z.string() },
    ...{ queued: z.number(), scheduled: z.number(), processing: z.number(), quarantined: z.number() },
  }),
)

/** The groups that a server counts. */
export const statsOf = async (side: Side): Promise<z.output<typeof Groups>> =>
  bodyOf(Groups, await side.get(paths.stats))

/** Compares the stats of each server with a plain count of the jobs. Nobody may write meanwhile, and no job fall due. */
export async function expectStatsOfSql(sql: Sql, sides: readonly Side[]): Promise<void> {
  const groups = await sql`
    select
      domain, queue, job_type,
      count(*) filter (where status = 'queued' and (available_at is null or available_at <= now()))::int as queued,
      count(*) filter (where status = 'queued' and available_at > now())::int as scheduled,
      count(*) filter (where status = 'processing')::int as processing,
      count(*) filter (where status = 'quarantined')::int as quarantined
    from jobs
    group by domain, queue, job_type
    order by domain collate "C", queue collate "C", job_type collate "C"`
  for (const side of sides) expect(await statsOf(side), `stats of the ${side.build} server`).toEqual([...groups])
}
