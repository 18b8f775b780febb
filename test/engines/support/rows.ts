import type { Sql } from 'postgres'
import * as z from 'zod'

/** A row of pg-boss as `to_jsonb` gives it; each version has other columns. */
export type BossRow = Record<string, unknown> & { id: string; name: string; state: string }
const BossRow = z.looseObject({ id: z.string(), name: z.string(), state: z.string() })

/** Reads all jobs of a schema, or those of one queue, in the order of their keys. */
export async function rowsOf(sql: Sql, { schema = 'pgboss', queue }: { schema?: string; queue?: string } = {}) {
  const rows = await sql`
    select to_jsonb(job) as row from ${sql(schema)}.job ${queue === undefined ? sql`` : sql`where name = ${queue}`} order by name, id`
  return rows.map(({ row }): BossRow => BossRow.parse(row))
}

/** What is different between two readings of jobs. */
export interface Differences {
  gone: string[]
  added: string[]
  /** By the id, the new values of the columns that differ. */
  changed: Record<string, Record<string, unknown>>
}

/** Compares two readings of `rowsOf`, without the columns `except`. */
export function differencesOf(before: BossRow[], after: BossRow[], except: readonly string[] = []): Differences {
  const keyOf = ({ name, id }: BossRow) => `${name}/${id}`
  const now = new Map(after.map((row) => [keyOf(row), row]))
  const known = new Set(before.map(keyOf))
  const changed = before.flatMap((row) => {
    const other = now.get(keyOf(row))
    const columns = Object.entries(other ?? row).filter(
      ([name, value]) => !except.includes(name) && JSON.stringify(value) !== JSON.stringify(row[name]),
    )
    return columns.length > 0 ? [[keyOf(row), Object.fromEntries(columns)] as const] : []
  })
  return {
    gone: [...known].filter((key) => !now.has(key)),
    added: [...now.keys()].filter((key) => !known.has(key)),
    changed: Object.fromEntries(changed),
  }
}

/** No difference. */
export const same: Differences = { gone: [], added: [], changed: {} }

interface Group {
  queue: string
  job_type: string
  queued: number
  scheduled: number
  processing: number
  failed: number
}

/** Counts the jobs by queue, and dead letters by the queue that they are from, as PostgreSQL groups them. */
export async function groupsOf(sql: Sql, schema = 'pgboss'): Promise<Group[]> {
  const [row] = await sql`select to_jsonb(job) as row from ${sql(schema)}.job limit 1`
  const has = (column: string) => row !== undefined && column in BossRow.parse(row.row)
  const source = has('source_name') ? sql`coalesce(source_name, '')` : sql`''`
  const waits = has('blocked') ? sql`(blocked or start_after > now())` : sql`start_after > now()`
  return [
    ...(await sql<Group[]>`
      select
        queue, job_type,
        count(*) filter (where state < 'active' and not waits)::int as queued,
        count(*) filter (where state < 'active' and waits)::int as scheduled,
        count(*) filter (where state = 'active')::int as processing,
        count(*) filter (where state = 'failed')::int as failed
      from (select name as queue, ${source} as job_type, state, ${waits} as waits from ${sql(schema)}.job) as job
      group by queue, job_type
      order by queue collate "C", job_type collate "C"`),
  ]
}

interface Filled {
  schema?: string
  /** Queues that are there. */
  queues: readonly string[]
  count: number
  /** States, of which each job gets one in turn. */
  states?: readonly string[]
}

/**
 * Inserts jobs by one statement, as fast as PostgreSQL takes them: a million in some ten seconds. They were created one after the other,
 * a millisecond apart, the last one now; those that have ended did so a second later.
 */
export async function fill(
  sql: Sql,
  { schema = 'pgboss', queues, count, states = ['created'] }: Filled,
): Promise<void> {
  await sql`
    insert into ${sql(schema)}.job (name, state, data, output, created_on, start_after, started_on, completed_on)
    select
      (${[...queues]}::text[])[1 + i % ${queues.length}],
      state::${sql(schema)}.job_state,
      jsonb_build_object('i', i),
      case when state = 'failed' then jsonb_build_object('name', 'Error', 'message', 'broken ' || i % 7) end,
      created, created,
      case when state in ('active', 'completed', 'failed') then created end,
      case when state in ('completed', 'failed', 'cancelled') then created + interval '1 second' end
    from generate_series(1, ${count}::int) as i,
      lateral (select (${[...states]}::text[])[1 + i % ${states.length}]) as one (state),
      lateral (select now() - (${count} - i) * interval '1 millisecond') as time (created)`
}

/** Makes all jobs of a schema older by some days: every time but the one until when pg-boss keeps a job that waits. */
export async function age(sql: Sql, days: number): Promise<void> {
  await sql`
    update pgboss.job set
      created_on = created_on - ${days} * interval '1 day', start_after = start_after - ${days} * interval '1 day',
      started_on = started_on - ${days} * interval '1 day', completed_on = completed_on - ${days} * interval '1 day'`
}
