import { mostCharacters } from '../../database/error-pattern.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { FailureSlice } from '../adapter.ts'
import type { Found } from '../found.ts'
import { sliceFailures } from '../parts/slice-failures.ts'
import { quotedText } from '../parts/sql-text.ts'
import { queuesOf } from './find.ts'
import { keyOf, timeOf } from './projection.ts'

/** A row `j` is a failure of the state. BullMQ has no quarantine. */
const isNative = {
  failed: "j.state = 'failed'",
  retrying: `(j.state = 'waiting' or j.state = 'delayed' or j.state = 'waiting-children') and j.attempts_made > 0`,
  quarantined: 'false',
} as const

/**
 * The failures of one state. The index of ended jobs begins with the queue: without the names of the queues every job would be read.
 * @returns a query in parentheses, as `QueueAdapter.failures` says
 */
export function failuresIn(sql: Sql, { schema, domain }: Found, slice: FailureSlice): Fragment {
  const { state, scope } = slice
  const seen =
    state === 'retrying'
      ? 'greatest(j.added_at_ms, j.processed_at_ms, j.finished_at_ms)'
      : 'coalesce(j.finished_at_ms, j.added_at_ms)'
  const columns = sql.unsafe(`
    ${keyOf('j.queue', 'j.id')} as id, ${quotedText(domain)}::text as domain, j.queue, j.name as job_type,
    null::text as owner_user_id, '${state}'::text as status, ''::text as code,
    pg_catalog.left(coalesce(j.failed_reason, ''), ${mostCharacters}) as message, ${timeOf(seen)} as seen`)
  const inQueue = scope.queue === undefined ? sql`any(array(${queuesOf(sql, schema)}))` : sql`${scope.queue}::text`
  const rows = sql`
    select ${columns} from ${sql.unsafe(`${schema}.job`)} as j where j.queue = ${inQueue} and ${sql.unsafe(isNative[state])}`
  return sliceFailures(sql, rows, slice)
}
