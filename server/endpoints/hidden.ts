import type { Acting } from '../call.ts'
import { patternOf } from '../database/error-pattern.ts'
import type { Sql } from '../database/sql.ts'

/** True for a caller that gets no payload, result, attachment, stack, nor what another program may have put beside them. */
export const isContentHidden = ({ may }: Pick<Acting, 'may'>): boolean => !may.has('payloads')

/** The columns of a job that every reader may see. All others are hidden, since another program may have added them. */
const openColumns = new Set([
  ...['id', 'uuid', 'domain', 'queue', 'job_type', 'owner_user_id', 'project_id', 'batch_group', 'idempotency_key'],
  ...['status', 'priority', 'max_retries', 'retry_count', 'available_at', 'started_at', 'acquired_at', 'leased_until'],
  ...['worker_id', 'error_code', 'error_class', 'cancel_requested_at', 'cancelled_at', 'cancellation_reason'],
  ...['failure_streak_code', 'failure_streak_count', 'quarantined_at', 'progress_percent', 'request_id', 'trace_id'],
  ...['created_at', 'updated_at', 'completed_at', 'archived_at', 'operation_id', 'created', 'native_state'],
])

/** The names of the columns that are hidden of a row. */
export const hiddenColumns = (row: object): string[] => Object.keys(row).filter((name) => !openColumns.has(name))

/** A row in which the hidden columns are null. */
export const withoutContent = <Row extends object>(row: Row): Row => {
  const hidden = hiddenColumns(row).map((name): [string, null] => [name, null])
  return Object.assign({ ...row }, Object.fromEntries(hidden))
}

/** Error messages as clusters have them: texts, addresses, paths and numbers are folded. Null stays null. */
export async function foldedErrors(sql: Sql, messages: readonly (string | null)[]): Promise<(string | null)[]> {
  const rows = await sql<{ folded: string | null }[]>`
    select ${patternOf(sql, sql`left(message, 1000)`)} as folded
    from unnest(${[...messages]}::text[]) with ordinality as given (message, nth)
    order by nth`
  return rows.map(({ folded }) => folded)
}

/** The attributes of events that every reader may see. The reason of a step may be the text of an error. */
const openAttributes = new Set([
  ...[
    'caller',
    'priority',
    'available_at',
    'worker_id',
    'retry_count',
    'leased_until',
    'error_code',
    'backoff_seconds',
  ],
  ...['terminal', 'status', 'operation', 'affected', 'kept_until', 'day', 'number', 'hash', 'version', 'seal'],
  ...['last_id', 'first_id'],
])

/** The attributes of an event without those that are hidden. Another program may have put an object where a number belongs. */
export function openAttrs(attrs: unknown): unknown {
  if (typeof attrs !== 'object' || attrs === null) return {}
  const open = Object.entries(attrs).filter(([name, value]) => openAttributes.has(name) && typeof value !== 'object')
  return Object.fromEntries(open)
}

/** The fields of the filters of a record that a caller may not see. */
export const hiddenFilters = (caller: Pick<Acting, 'may'>): string[] => [
  ...(isContentHidden(caller) ? ['payload', 'error'] : []),
  ...(caller.may.has('read_tokens') ? [] : ['address', 'name', 'principal']),
]
