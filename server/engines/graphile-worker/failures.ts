import { mostCharacters } from '../../database/error-pattern.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { FailureSlice } from '../adapter.ts'
import type { Found } from '../found.ts'
import { sliceFailures } from '../parts/slice-failures.ts'
import { quotedText } from '../parts/sql-text.ts'
import { ended, noQueue, queuesIn } from './projection.ts'

/** A row `j` is a failure of the state. graphile-worker has no quarantine. */
const isNative = {
  failed: 'j.locked_at is null and j.is_available = false',
  retrying: 'j.is_available = true and j.attempts > 0',
  quarantined: 'false',
} as const

/**
 * The failures of one state. The names of queues and tasks are joined: to look them up for each job takes longer than everything else.
 * @returns a query in parentheses, as `QueueAdapter.failures` says
 */
export function failuresIn(sql: Sql, { schema, domain }: Found, slice: FailureSlice): Fragment {
  const { state } = slice
  const rows = sql.unsafe(`
    select
      (coalesce(q.part, '${noQueue}') || '/' || j.id::text) collate "C" as id, ${quotedText(domain)}::text as domain,
      coalesce(q.queue, '${noQueue}') as queue, coalesce(t.identifier, '') as job_type, null::text as owner_user_id,
      '${state}'::text as status, ''::text as code, pg_catalog.left(coalesce(j.last_error, ''), ${mostCharacters}) as message,
      ${state === 'retrying' ? 'j.updated_at' : `coalesce(${ended}, j.created_at)`} as seen
    from ${schema}._private_jobs as j
    left join ${queuesIn(schema)} as q on q.id = j.job_queue_id
    left join ${schema}._private_tasks as t on t.id = j.task_id
    where ${isNative[state]}`)
  return sliceFailures(sql, rows, slice)
}
