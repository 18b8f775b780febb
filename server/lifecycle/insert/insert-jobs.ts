import { Failure } from '../../../shared/errors.ts'
import type { NewJob } from '../../../shared/work/enqueue.ts'
import type { Acting, Requested } from '../../call.ts'
import { namesOf } from '../../database/connection/schema-names.ts'
import { lacksColumn } from '../../database/errors/failure.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { isWithin } from '../../database/scope.ts'
import { type Fragment, type Pool, type Sql, staticFragment, type Transaction } from '../../database/sql.ts'
import { failedEnds } from '../dependents/dependents.ts'
import { insertEventsOfCalls, notifyQueues, wireTime } from '../events/job-events.ts'
import { hasKeyOf, type JobShape, type NamedJob, type Perhaps } from '../job-row.ts'

/** A job to insert: `n` is its index in the request. */
export type Entry = NewJob & { n: number; uuid: string }

/** A row of `jobs` for the entry with the index `n`. */
export interface EntryRow<Row> {
  n: number
  job: Row
}

const columns = staticFragment(
  (sql) => sql`
  n int, uuid text, domain text, queue text, job_type text, payload jsonb, owner_user_id text, priority int,
  max_retries int, quarantine_threshold int, available_at timestamptz, delay_seconds float8, idempotency_key text, batch_group text, depends_on text[], project_id int`,
)

interface Obstacle {
  why: 'draining' | 'unknown'
  /** The queue that drains, as `domain/queue`; or the uuid that no job has. */
  what: string
}

/** A job to insert for one of several calls. */
export type CallsEntry = NewJob & {
  uuid: string
  caller: string
  request_id: string
  trace_id: string | undefined
  traceparent: string | undefined
}

/** The call that inserts jobs, on a connection of the pool or within a transaction. */
export interface Inserting
  extends Pick<Acting, 'caller' | 'within'>,
    Pick<Requested, 'requestId' | 'traceId' | 'traceparent'> {
  sql: Pool | Transaction
}

/**
 * Inserts jobs in one statement: all of them or none. A job whose idempotency key exists is not inserted, and is missing
 * from the result.
 * @param shape what the result has of each job
 * @throws Failure `queue_draining`, `invalid_request` for a dependency that does not exist, or `conflict` for a threshold where the table
 * has no column for it
 */
export const insertJobs = <Row extends NamedJob>(
  { sql, caller, within, requestId, traceId, traceparent }: Inserting,
  entries: readonly Entry[],
  shape: JobShape<Row>,
): Promise<EntryRow<Row>[]> =>
  insert(sql, entries, shape, {
    columns: columns(sql),
    within,
    requestId: sql`${requestId}::text`,
    traceId: sql`${traceId ?? null}::text`,
    traceparent: traceparent === undefined ? undefined : sql`${traceparent}::text`,
    caller: sql`${caller}::text`,
    requestOfEvent: sql`${requestId}::text`,
  })

/** Inserts jobs without dependencies as `insertJobs`, for several calls. The `n` of a row is the index of its entry. */
export const insertJobsOfCalls = <Row extends NamedJob>(
  sql: Pool,
  entries: readonly CallsEntry[],
  shape: JobShape<Row>,
): Promise<EntryRow<Row>[]> =>
  insert(
    sql,
    entries.map((entry, n) => ({ n, ...entry })),
    shape,
    {
      columns: callsColumns(sql),
      within: undefined,
      requestId: sql`request_id`,
      traceId: sql`trace_id`,
      traceparent: entries.some(isTraced) ? sql`traceparent` : undefined,
      caller: sql`(select caller from request where request.uuid = added.uuid)`,
      requestOfEvent: sql`(select request_id from request where request.uuid = added.uuid)`,
    },
  )

const callsColumns = staticFragment(
  (sql) => sql`${columns(sql)}, caller text, request_id text, trace_id text, traceparent text`,
)

/** The columns of an entry, and what rows have of their call. */
interface Origin {
  columns: Fragment
  within: Acting['within']
  /** Expressions over `fresh`, for the job. */
  requestId: Fragment
  traceId: Fragment
  /** Undefined where no job has one. */
  traceparent: Fragment | undefined
  /** Expressions over `added`, for the event. */
  caller: Fragment
  requestOfEvent: Fragment
}

/** Tables that lack `traceparent`, and until when the column is not looked for again, by `performance.now()`. */
const withoutTraceparent = new WeakMap<object, number>()
const lookAgainMs = 60_000
/** What a pool and its transactions have in common. */
const tablesOf = (sql: Sql): object => namesOf(sql) ?? sql

async function insert<Row extends NamedJob>(
  sql: Pool | Transaction,
  entries: readonly Entry[],
  shape: JobShape<Row>,
  given: Origin,
): Promise<EntryRow<Row>[]> {
  const lacks = performance.now() < (withoutTraceparent.get(tablesOf(sql)) ?? 0)
  const rows = await insertRows(sql, entries, shape, lacks ? { ...given, traceparent: undefined } : given)
  rejectObstacles(rows[0]?.obstacles ?? [])
  const byUuid = new Map(entries.map(({ uuid, n }) => [uuid, n]))
  return rows.flatMap((row) => {
    if (!shape.isFound(row) || row.uuid === null) return []
    const n = byUuid.get(row.uuid)
    return n === undefined ? [] : [{ n, job: row }]
  })
}

/** Runs a statement so that it can be run again after an error, which ends a transaction without a savepoint. */
const repeatable = <Rows>(sql: Pool | Transaction, run: (sql: Sql) => PromiseLike<Rows>): PromiseLike<Rows> =>
  'savepoint' in sql ? sql.savepoint(async (point) => ({ rows: await run(point) })).then(({ rows }) => rows) : run(sql)

/** Runs the statement, again without the column where the table lacks `traceparent`. */
const insertRows = <Row extends NamedJob>(
  pool: Pool | Transaction,
  entries: readonly Entry[],
  shape: JobShape<Row>,
  origin: Origin,
): Promise<({ obstacles: Obstacle[] | null } & Perhaps<Row>)[]> =>
  retryDeadlock(() =>
    repeatable(
      pool,
      (sql) => sql<({ obstacles: Obstacle[] | null } & Perhaps<Row>)[]>`
      with ${requestedJobs(sql, entries, origin)},
      ${obstacles(sql)},
      ${added(sql, { ...origin, hasThreshold: entries.some(hasThreshold) }, shape.returned(sql, neededByEvents))},
      inserted_edges as (
        insert into job_dependencies (job_uuid, depends_on_job_uuid)
        select uuid, needs from edges join added using (uuid)
      ),
      inserted_events as (${insertEventsOfCalls(sql, addedEvents(sql, origin))}),
      notified as (${notifyQueues(sql, sql`select domain, queue from added where status = 'queued'`)})
      select (select jsonb_agg(obstacle) from obstacle) as obstacles, ${shape.answered(sql, 'added')}
      from (select) as one
      left join added on true
      left join notified on true`,
    ),
  ).catch((error: unknown) => {
    // A trace is no reason to refuse a job: where the role of the server may not add the column, the worker gets the id of the trace alone.
    if (origin.traceparent && lacksColumn(error, 'traceparent')) {
      withoutTraceparent.set(tablesOf(pool), performance.now() + lookAgainMs)
      return insertRows(pool, entries, shape, { ...origin, traceparent: undefined })
    }
    throw lacksColumn(error, 'quarantine_threshold') ? withoutThresholds(error) : error
  })

/**
 * Defines the CTEs `request`, the entries; `fresh`, the entries whose idempotency key does not exist; and `edges (n, uuid, needs, status)`,
 * their dependencies. `status` is that of the job that is needed, and null where no such job is found. An entry whose key exists is answered
 * with the job of that key, even where nothing can be inserted. A job outside of the scope of the caller is not found. The lock keeps a job that is needed from being
 * deleted before its edge is there for the one who deletes it.
 */
const requestedJobs = (sql: Sql, entries: readonly Entry[], { columns, within }: Origin): Fragment => sql`
  request as materialized (
    select * from jsonb_to_recordset(${JSON.stringify(entries)}::text::jsonb) as job (${columns})
  ),
  fresh as materialized (
    select *
    from request
    where idempotency_key is null or not exists (
      select from jobs where ${hasKeyOf(sql, sql`request`)} offset 0
    )
  ),
  edges as materialized (
    select fresh.n, fresh.uuid, edge.uuid as needs, needed.status
    from fresh
    cross join unnest(fresh.depends_on) as edge (uuid)
    left join lateral (
      select status from jobs where jobs.uuid = edge.uuid ${isWithin(sql, within)} offset 0 for key share
    ) as needed on true
  )`

/** Needs the CTEs `fresh` and `edges`; defines `obstacle (why, what)`: with any row of it nothing is inserted. */
const obstacles = staticFragment(
  (sql) => sql`
  obstacle as materialized (
    select distinct 'draining' as why, domain || '/' || queue as what
    from fresh
    join job_queue_controls using (domain, queue)
    where drain
    union all
    select distinct 'unknown', needs from edges where status is null
  )`,
)

/** What `addedEvents` needs of a row that was inserted. */
const neededByEvents = [
  ...(['id', 'uuid', 'domain', 'queue', 'job_type', 'owner_user_id', 'trace_id'] as const),
  ...(['priority', 'available_at', 'status', 'cancellation_reason'] as const),
]

/** True for a job that is quarantined after a number of failures of its own. */
export const hasThreshold = ({ quarantine_threshold }: Pick<NewJob, 'quarantine_threshold'>): boolean =>
  quarantine_threshold !== undefined

/** True for a job whose caller has named its span. */
export const isTraced = ({ traceparent }: Pick<CallsEntry, 'traceparent'>): boolean => traceparent !== undefined

/**
 * Needs the CTEs `fresh`, `edges` and `obstacle`; defines `added`, which inserts the jobs and has the columns `returned`.
 * A job that depends on a job which ended badly is inserted as cancelled.
 * @param origin `hasThreshold` names the column that is missing where the role of the server may not add it
 */
const added = (
  sql: Sql,
  {
    requestId,
    traceId,
    traceparent,
    hasThreshold,
  }: Pick<Origin, 'requestId' | 'traceId' | 'traceparent'> & { hasThreshold: boolean },
  returned: Fragment,
): Fragment => sql`
  added as (
    insert into jobs (
      uuid, domain, queue, job_type, payload, owner_user_id, priority, max_retries, retry_count, available_at,
      idempotency_key, batch_group, project_id, request_id, trace_id, status, cancelled_at, cancellation_reason
      ${hasThreshold ? sql`, quarantine_threshold` : sql``} ${traceparent ? sql`, traceparent` : sql``}
    )
    select
      uuid, domain, queue, job_type, payload, owner_user_id, priority, max_retries, 0,
      coalesce(available_at, now() + delay_seconds * interval '1 second'),
      idempotency_key, batch_group, project_id, ${requestId}, ${traceId},
      case when ended.status is null then 'queued' else 'cancelled' end,
      case when ended.status is not null then now() end,
      'dependency_' || ended.status
      ${hasThreshold ? sql`, quarantine_threshold` : sql``} ${traceparent ? sql`, ${traceparent}` : sql``}
    from fresh
    left join (
      select uuid, min(status) as status from edges where status in ${failedEnds(sql)} group by uuid
    ) as ended using (uuid)
    where not exists (select from obstacle)
    order by n
    on conflict (domain, queue, job_type, idempotency_key) do nothing
    returning ${returned}
  )`

/** One `job.created` for each row of the CTE `added`, which it needs, and a `job.cancelled` for one inserted as cancelled. */
const addedEvents = (sql: Sql, { caller, requestOfEvent }: Pick<Origin, 'caller' | 'requestOfEvent'>): Fragment => sql`
  select id, domain, queue, job_type, owner_user_id, call_id as request_id, trace_id, event_type, attrs
  from (
    select added.*, ${requestOfEvent} as call_id, 1 as nth, 'job.created' as event_type,
      -- Most jobs are due at once. An object without nulls need not be written again (attrsWithoutNulls).
      case
        when available_at is null and priority is not null then jsonb_build_object('caller', ${caller}, 'priority', priority)
        else jsonb_strip_nulls(
          jsonb_build_object('caller', ${caller}, 'priority', priority, 'available_at', ${wireTime(sql, sql`available_at`)})
        )
      end as attrs
    from added
    union all
    select added.*, ${requestOfEvent}, 2, 'job.cancelled', jsonb_strip_nulls(jsonb_build_object('reason', cancellation_reason, 'terminal', true))
    from added
    where status = 'cancelled'
  ) as both_events
  order by id, nth`

const withoutThresholds = (cause: unknown): Failure =>
  new Failure('conflict', 'the table jobs has no column quarantine_threshold; nothing was enqueued', {
    hint: 'jobs-server migrate, as the owner of the table, adds it',
    cause,
  })

/** @throws Failure that names what keeps the whole request from being inserted */
function rejectObstacles(obstacles: readonly Obstacle[]): void {
  const draining = obstacles.filter(({ why }) => why === 'draining').map(({ what }) => what)
  if (draining.length > 0) {
    throw new Failure('queue_draining', `${draining.join(', ')} takes no new jobs: it drains; nothing was enqueued`, {
      hint: 'try again when it has been resumed',
    })
  }
  const unknown = obstacles.map(({ what }) => what)
  if (unknown.length === 0) return
  const message = `no job has the uuid ${unknown.slice(0, 10).join(', ')}`
  throw new Failure('invalid_request', `depends_on: ${message}; nothing was enqueued`, {
    faults: [{ path: 'depends_on', message }],
  })
}

/** The existing jobs with the idempotency keys of these entries; a key without a job is missing from the result. */
export async function findByKey<Row extends NamedJob>(
  sql: Sql,
  entries: readonly Entry[],
  shape: JobShape<Row>,
): Promise<EntryRow<Row>[]> {
  if (entries.length === 0) return []
  const rows = await sql<(Row & { n: number })[]>`
    select request.n, job.*
    from jsonb_to_recordset(${JSON.stringify(entries)}::text::jsonb) as request (
      n int, domain text, queue text, job_type text, idempotency_key text
    )
    cross join lateral (
      select ${shape.selected(sql)}
      from jobs
      where ${hasKeyOf(sql, sql`request`)}
      offset 0
    ) as job`
  return rows.map((job) => ({ n: job.n, job }))
}
