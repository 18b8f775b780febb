import { writeJson } from './call/exact-json.ts'
import type { NewJob } from './wire/types.ts'

/** Runs one statement with its values in the transaction of the caller, and resolves to the rows, or to an object that has them as `rows`. */
export type RunSql = (text: string, values: string[]) => PromiseLike<unknown>

/** A transaction: of postgres.js, of pg, of knex, or a function that runs SQL in one. */
export type Transaction =
  | RunSql
  | { unsafe: (text: string, values: string[]) => PromiseLike<unknown> }
  | { query: (text: string, values: string[]) => PromiseLike<unknown> }
  | { raw: (text: string, values: string[]) => PromiseLike<unknown> }

/** A job as jobsctl_enqueue takes it, or with `unique` as jobsctl_enqueue_unique does; what an enqueue over HTTP takes, but for the project. */
export type TransactionJob = Omit<NewJob, 'project_id'>

/** What an enqueue in a transaction answers. */
export interface TransactionEnqueued {
  id: number
  uuid: string
  /** False for a job that existed already under the idempotency key. */
  created: boolean
}

export interface EnqueueWithOptions {
  /** The schema of the tables, where it is not on the search path of the connection. */
  schema?: string | undefined
  /** Stored with the job and its event, such as the id of the HTTP request that is served. */
  requestId?: string | undefined
  /** The id of the trace, 32 hexadecimal digits. */
  traceId?: string | undefined
  /** The span that enqueues, `00-<trace>-<span>-<flags>`: workers carry its trace on. It has the id of the trace, too. */
  traceparent?: string | undefined
}

interface Enqueue {
  (job: TransactionJob): Promise<TransactionEnqueued>
  (jobs: readonly TransactionJob[]): Promise<TransactionEnqueued[]>
}

/**
 * Returns a function that enqueues jobs within `transaction`: they are there when it commits, and never when it rolls back. It calls
 * the function `jobsctl_enqueue` of the database, on which the role of the program needs EXECUTE.
 * @throws TypeError for something that runs no SQL
 */
export function enqueueWith(transaction: Transaction, options: EnqueueWithOptions = {}): Enqueue {
  const run = runnerOf(transaction)
  const enqueueAll = async (jobs: readonly TransactionJob[]): Promise<TransactionEnqueued[]> => {
    if (jobs.length === 0) return []
    if (
      jobs.some(
        ({ available_at, delay_seconds }) =>
          (available_at ?? undefined) !== undefined && (delay_seconds ?? undefined) !== undefined,
      )
    )
      throw new TypeError('a job takes available_at or delay_seconds, and not both; nothing was enqueued')
    const isUnique = ({ unique }: TransactionJob) => (unique ?? undefined) !== undefined
    for (const { unique, idempotency_key } of jobs.filter(isUnique))
      if (unique !== 'while_queued' || (idempotency_key ?? '') === '')
        throw new TypeError('unique is while_queued, and goes with idempotency_key; nothing was enqueued')
    const named = jobs.map((job) => ({
      ...{ request_id: options.requestId, trace_id: options.traceId, traceparent: options.traceparent },
      ...job,
    }))
    const rows = rowsOf(await run(statement(options.schema, jobs.some(isUnique)), [writeJson(named)]))
    if (rows.length !== jobs.length) throw unreadable()
    return rows.map(enqueuedOf)
  }
  async function enqueue(job: TransactionJob): Promise<TransactionEnqueued>
  async function enqueue(jobs: readonly TransactionJob[]): Promise<TransactionEnqueued[]>
  async function enqueue(given: TransactionJob | readonly TransactionJob[]) {
    if (isList(given)) return enqueueAll(given)
    const [enqueued] = await enqueueAll([given])
    if (!enqueued) throw unreadable()
    return enqueued
  }
  return enqueue
}

const isList = (given: TransactionJob | readonly TransactionJob[]): given is readonly TransactionJob[] =>
  Array.isArray(given)

/** A client of postgres.js or of knex is a function as well, so that its method is looked for first. */
function runnerOf(transaction: Transaction): RunSql {
  if ('unsafe' in transaction) return (text, values) => transaction.unsafe(text, values)
  // The placeholder of knex is a question mark.
  if ('raw' in transaction) return (text, values) => transaction.raw(text.replace('$1', '?'), values)
  if ('query' in transaction) return (text, values) => transaction.query(text, values)
  if (typeof transaction === 'function') return transaction
  throw new TypeError('enqueueWith takes a transaction of postgres.js, pg or knex, or a function that runs SQL')
}

/**
 * One statement for all jobs, in their order.
 * @param someUnique a job has a key that ends, which another function of the database knows
 */
function statement(schema: string | undefined, someUnique: boolean): string {
  const from = schema === undefined ? '' : `"${schema.replaceAll('"', '""')}".`
  const enqueue = `${from}jobsctl_enqueue(${values})`
  const either = `(
    select * from ${enqueue} where job."unique" is null
    union all
    select * from ${from}jobsctl_enqueue_unique(${values}) where job."unique" is not null
  )`
  return `
  select enqueued.id::text as id, enqueued.uuid, enqueued.created
  from rows from (
    jsonb_to_recordset($1::text::jsonb) as (
      domain text, job_type text, payload jsonb, queue text, priority integer, max_retries integer, available_at timestamptz,
      delay_seconds float8, idempotency_key text, owner_user_id text, batch_group text, depends_on text[], quarantine_threshold integer,
      request_id text, trace_id text, traceparent text, "unique" text
    )
  ) with ordinality as job (
    domain, job_type, payload, queue, priority, max_retries, available_at,
    delay_seconds, idempotency_key, owner_user_id, batch_group, depends_on, quarantine_threshold,
    request_id, trace_id, traceparent, "unique", position
  )
  cross join lateral ${someUnique ? either : enqueue} as enqueued
  order by job.position`
}

/** The arguments of both functions. */
const values = `
    domain => job.domain, job_type => job.job_type, payload => job.payload, queue => coalesce(job.queue, 'default'),
    priority => coalesce(job.priority, 5), max_retries => coalesce(job.max_retries, 3),
    available_at => coalesce(job.available_at, now() + job.delay_seconds * interval '1 second'),
    idempotency_key => job.idempotency_key, owner_user_id => job.owner_user_id, batch_group => job.batch_group,
    depends_on => job.depends_on, quarantine_threshold => job.quarantine_threshold,
    request_id => job.request_id, trace_id => job.trace_id, traceparent => job.traceparent
  `

function rowsOf(result: unknown): unknown[] {
  if (Array.isArray(result)) return result
  const rows: unknown = typeof result === 'object' && result !== null && 'rows' in result ? result.rows : undefined
  if (Array.isArray(rows)) return rows
  throw unreadable()
}

function enqueuedOf(row: unknown): TransactionEnqueued {
  if (typeof row === 'object' && row !== null && 'id' in row && 'uuid' in row && 'created' in row) {
    const { id, uuid, created } = row
    if (typeof uuid === 'string' && typeof created === 'boolean') return { id: Number(id), uuid, created }
  }
  throw unreadable()
}

/** The transaction goes on or not as its caller decides: an error in it is the usual reason to roll back. */
const unreadable = () =>
  new TypeError(
    'the transaction answered no rows of jobsctl_enqueue; roll it back, since nothing says what was enqueued',
  )
