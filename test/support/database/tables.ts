import type { Pool } from '../../../server/database/sql.ts'
import { columns, type JobRow, jobRow, type Wanted } from './job-row.ts'

/** Inserts `n` jobs that are alike, and returns their ids. */
export async function insertJobs(sql: Pool, n: number, wanted: Wanted = {}): Promise<number[]> {
  return insertRows(
    sql,
    Array.from({ length: n }, () => jobRow(wanted)),
  )
}

/** Inserts these very rows, and returns their ids. */
export async function insertRows(sql: Pool, rows: Partial<JobRow>[]): Promise<number[]> {
  if (rows.length === 0) return []
  const given = Object.keys(columns).filter((name) => rows.some((row) => name in row))
  const types = Object.entries(columns).flatMap(([name, type]) => (given.includes(name) ? [`"${name}" ${type}`] : []))
  const inserted = await sql<{ id: number }[]>`
    insert into jobs (${sql(given)})
    select * from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as r (${sql.unsafe(types.join(', '))})
    returning id`
  return inserted.map(({ id }) => Number(id))
}

/** All jobs, in the order of their ids; times in UTC. */
export async function readJobs(sql: Pool): Promise<JobRow[]> {
  return (await sql<{ row: JobRow }[]>`select to_jsonb(jobs) as row from jobs order by id`).map(({ row }) => row)
}

/** A record of a change, as the events table holds it. */
export interface EventRow {
  event_type: string
  domain: string | null
  queue: string | null
  job_type: string | null
  request_id: string | null
  attrs_json: Record<string, unknown>
}

/** The records of the changes, the oldest first; without the seals of their records. */
export const readEvents = async (sql: Pool): Promise<EventRow[]> => [
  ...(await sql<EventRow[]>`
    select event_type, domain, queue, job_type, request_id, attrs_json
    from job_events
    where job_id is null and event_type <> 'operation.sealed'
    order by id`),
]

/** A step in the life of a job, as the events table holds it. */
export interface StepRow {
  job_id: number
  event_type: string
  request_id: string | null
  attrs_json: Record<string, unknown>
}

/** The steps of jobs, the oldest first. */
export const readSteps = async (sql: Pool): Promise<StepRow[]> => [
  ...(await sql<StepRow[]>`
    select job_id, event_type, request_id, attrs_json
    from job_events
    where job_id is not null
    order by id`),
]

const tables = ['jobs', 'job_events', 'job_queue_controls', 'job_attachments', 'job_dependencies', 'jobs_archive']
const records = [
  'job_operations',
  'job_operation_days',
  'job_operation_rows',
  'jobsctl_detached',
  'jobsctl_operation_terms',
  'jobsctl_seals',
  'jobsctl_stops',
  'jobsctl_holds',
  'jobsctl_held_jobs',
  'jobsctl_event_cursors',
  'jobsctl_sessions',
  'jobsctl_agent_sessions',
  'jobsctl_agent_calls',
  'jobsctl_callers',
  'jobsctl_claims',
  'jobsctl_limits',
  'jobsctl_logins',
  'jobsctl_waits',
  'jobsctl_worker_marks',
  'jobsctl_pickups',
  'jobsctl_policy_rules',
  'jobsctl_transitions',
  'jobsctl_history_minutes',
  'jobsctl_history_hours',
  'jobsctl_history_totals',
  'jobsctl_history_gaps',
  'jobsctl_marks',
  'jobsctl_depths',
  'jobsctl_depth_moments',
  'jobsctl_depth_groups',
  'jobsctl_queues',
  'jobsctl_metric_groups',
]

/** One fingerprint for the content of all tables: it differs when anything does. */
export async function fingerprint(sql: Pool): Promise<string> {
  const parts = tables.map((table) => `select '${table}' as name, t::text as line from ${table} t`)
  const [row] = await sql.unsafe<[{ hash: string }]>(
    `select md5(coalesce(string_agg(name || line, E'\\n' order by name, line), '')) as hash
     from (${parts.join(' union all ')}) everything`,
  )
  return row.hash
}

/** Empties all tables, and lets their ids begin at 1 again: a truncate would make every index a new file, test by test. */
export async function emptyTables(sql: Pool): Promise<void> {
  const all = [...tables, ...records]
  const begin = (table: string) => `select setval(pg_get_serial_sequence('${table}', 'id'), 1, false)`
  const numbered = ['jobs', 'job_events', 'job_attachments', 'job_operations', 'jobsctl_holds', 'jobsctl_marks']
  await sql.unsafe([...all.map((table) => `delete from ${table}`), ...numbered.map(begin)].join(';'))
}
