import type { Sql } from 'postgres'
import type { Outage } from '../../../launch/restartable.ts'
import type { Reader } from '../actors/readers.ts'
import { type Entry, readJournals } from '../journal.ts'
import { grouped } from './grouped.ts'

/** A job at the end of a run. */
export interface JobRow {
  id: number
  /** The number of the job in its payload. */
  n: number
  domain: string
  idempotency_key: string | null
  status: string
  retry_count: number
  max_retries: number
  lease_id: string | null
  completion_token: string | null
  /** The lease and the token that its result names. */
  result_lease: string | null
  result_token: string | null
  /** The jobs that it depends on and that are not completed, as text. */
  waits_for: string | null
}

/** An event of a job or of an operation. */
export interface EventRow {
  id: number
  job_id: number | null
  event_type: string
  request_id: string | null
  retry_count: number | null
  error_code: string | null
  /** True when the SQL worker wrote the event. */
  foreign: boolean
  /** The number of jobs of an event of an operation. */
  affected: number | null
  /** Microseconds since 1970. */
  at: number
}

/** The database, the journals and the readers at the end of a run. */
export interface Evidence {
  /** The jobs that exist, by id. */
  jobs: Map<number, JobRow>
  events: EventRow[]
  /** The events of each job, by job id, in order of their ids. */
  histories: Map<number, EventRow[]>
  entries: Entry[]
  readers: readonly Reader[]
  outages: readonly Outage[]
  /** The number of each job that was made. */
  numbers: readonly number[]
}

interface Sources extends Pick<Evidence, 'readers' | 'outages' | 'numbers'> {
  sql: Sql
  journals: string
  /** The id of the last event that the readers must have; absent where that is the last of the database. */
  lastEvent?: number
}

/** Reads the jobs, the events and the journals. `journals` is the folder of the journals. */
export async function gather({ sql, journals, lastEvent, ...rest }: Sources): Promise<Evidence> {
  const jobs = await sql<JobRow[]>`
    select
      id::float8, (payload ->> 'n')::int as n, domain, idempotency_key, status, retry_count, max_retries, lease_id,
      completion_token, result ->> 'lease' as result_lease, result ->> 'token' as result_token,
      (
        select string_agg(coalesce('job ' || needed.id || ', which is ' || needed.status, 'a deleted job'), ', ')
        from job_dependencies edge
        left join jobs needed on needed.uuid = edge.depends_on_job_uuid
        where edge.job_uuid = jobs.uuid and needed.status is distinct from 'completed'
      ) as waits_for
    from jobs`
  const events = await sql<EventRow[]>`
    select
      id::float8, job_id::float8, event_type, request_id, (attrs_json ->> 'retry_count')::int as retry_count,
      attrs_json ->> 'error_code' as error_code, attrs_json ? 'foreign' as foreign,
      (attrs_json ->> 'affected')::int as affected, (extract(epoch from created_at) * 1000000)::float8 as at
    from job_events
    where id <= coalesce(${lastEvent ?? null}::bigint, id)
    order by id`
  return {
    ...rest,
    jobs: new Map(jobs.map((job) => [job.id, job])),
    events: [...events],
    histories: grouped(
      events.flatMap((event) => (event.job_id === null ? [] : [{ ...event, job_id: event.job_id }])),
      ({ job_id }) => job_id,
    ),
    entries: readJournals(journals),
  }
}
