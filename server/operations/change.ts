import { Failure } from '../../shared/errors.ts'
import type { Scope } from '../../shared/jobs.ts'
import { databaseFailure, isConnectionLost } from '../database/failure.ts'
import type { Sql } from '../database/sql.ts'
import { outcomeUnknown } from '../outcome-unknown.ts'
import type { Call } from './call.ts'

interface Change<Result> {
  /** As the events table names it, such as `jobs.pruned`. */
  event: string
  /** As people call it, such as `prune`. */
  name: string
  filters: Scope & { max?: number | undefined }
  /** Counts what would be changed, by the same predicate. */
  count: (tx: Sql) => Promise<number>
  apply: (tx: Sql) => Promise<Result>
  /** How many jobs the result says were changed. */
  touched: (result: Result) => number
}

/**
 * The only way to a change: alone in its scope, within its bound, with its record, or not at all.
 * @throws Failure `conflict` when the same kind of change runs in an overlapping scope,
 *   `limit_exceeded` when more than `max` jobs match; the transaction is rolled back
 */
export async function change<Result>(call: Call, change: Change<Result>): Promise<Result> {
  const { filters, count, apply, touched } = change
  let committing = false
  const work = call.sql.begin(async (tx) => {
    await claim(tx, change)
    // Counted first, since a refusal must not cost what the change would; and again after it, to be exact.
    if (filters.max !== undefined) refuseAbove(filters.max, await count(tx))
    const result = await apply(tx)
    refuseAbove(filters.max, touched(result))
    if (touched(result) > 0) await record(tx, call, change, touched(result))
    committing = true
    return { result }
  })
  const { result } = await work.catch((error: unknown) => {
    if (!isConnectionLost(error)) throw error
    if (!committing) throw databaseFailure(error)
    // A connection that breaks during the commit may break before it or after.
    const because = 'the connection to the database broke'
    throw outcomeUnknown({ because, hint: 'a dry run shows which', retryAfter: 5, cause: error })
  })
  call.changed(touched(result))
  return result
}

/**
 * Changes of one kind exclude each other where their scopes overlap: each takes its own scope alone,
 * and shares those around it. The locks are the transaction's own, and end with it.
 */
async function claim(tx: Sql, { name, filters }: Pick<Change<unknown>, 'name' | 'filters'>): Promise<void> {
  const around = scopesAround(filters).map((scope) => `jobsctl ${name} ${JSON.stringify(scope)}`)
  const [row] = await tx<[{ free: boolean }]>`
    select bool_and(
      case
        when depth = cardinality(keys) then pg_try_advisory_xact_lock(hashtextextended(key, 0))
        else pg_try_advisory_xact_lock_shared(hashtextextended(key, 0))
      end
    ) as free
    from (select ${around}::text[] as keys) as asked, unnest(keys) with ordinality as scope (key, depth)`
  if (row?.free) return
  throw new Failure('conflict', `another ${name} is running in this scope; nothing was changed`, {
    hint: 'try again when it has ended',
  })
}

/** From everything down to the scope itself: `[[], ['chatbooks'], ['chatbooks', 'default']]`. */
function scopesAround({ domain, queue, job_type }: Scope): string[][] {
  const path: string[] = []
  const scopes = [[...path]]
  for (const name of [domain, queue, job_type]) {
    if (name === undefined) break // what is named below a gap overlaps more than its own branch
    path.push(name)
    scopes.push([...path])
  }
  return scopes
}

/** Thrown inside the transaction, it undoes what touched more jobs than the caller allowed. */
function refuseAbove(max: number | undefined, touched: number): void {
  if (max === undefined || touched <= max) return
  const [matching, limit] = [touched, max].map((count) => count.toLocaleString('en-US'))
  throw new Failure(
    'limit_exceeded',
    `${matching} ${touched === 1 ? 'job matches' : 'jobs match'}, above the limit of ${limit}; nothing was changed`,
    { hint: 'narrow the scope, or raise the limit' },
  )
}

/** Who changed what, and why: in the same transaction, so that there is no change without its record. */
async function record(
  tx: Sql,
  call: Call,
  { event, filters }: Pick<Change<unknown>, 'event' | 'filters'>,
  affected: number,
) {
  const { domain = null, queue = null, job_type = null } = filters
  const attributes = { affected, caller: call.caller, reason: call.reason, as_of: call.asOf, filters }
  await tx`
    insert into job_events (event_type, domain, queue, job_type, attrs_json, request_id)
    values (${event}, ${domain}, ${queue}, ${job_type}, ${JSON.stringify(attributes)}::text::jsonb, ${call.requestId})`
}
