import { mostCharacters } from '../../database/error-pattern.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { FailureSlice } from '../adapter.ts'
import type { Found } from '../found.ts'
import { sliceFailures } from '../parts/slice-failures.ts'
import { encodedPart, quotedText } from '../parts/sql-text.ts'
import { failureMessageOf, sourceOf } from './projection.ts'

/** A row `j` is a failure of the state. pg-boss has no quarantine. */
const isNative = { failed: "j.state = 'failed'", retrying: "j.state = 'retry'", quarantined: 'false' } as const

/**
 * The failures of one state. Each is read from its row of the table of jobs, and of its output only the message and the code: to sort the
 * whole rows takes longer than everything else. So the newest are sorted only where there are more than are wanted. The name of a queue is encoded
 * once, not for each job.
 * @returns a query in parentheses, as `QueueAdapter.failures` says
 */
export function failuresIn(sql: Sql, place: Found, slice: FailureSlice): Fragment {
  const { schema, domain, columns } = place
  const { state } = slice
  const ended =
    state === 'retrying'
      ? 'coalesce(j.completed_on, j.started_on, j.created_on)'
      : 'coalesce(j.completed_on, j.created_on)'
  const rows = sql.unsafe(`
    select
      (coalesce(named.part, ${encodedPart('j.name')}) || '/' || j.id::text) collate "C" as id, ${quotedText(domain)}::text as domain, j.name as queue,
      ${columns.has('source_name') ? sourceOf(schema) : `''::text`} as job_type,
      ${columns.has('group_id') ? 'j.group_id' : 'null::text'} as owner_user_id,
      '${state}'::text as status, coalesce(j.output ->> 'code', '') as code,
      pg_catalog.left(${failureMessageOf(place)}, ${mostCharacters}) as message, ${ended} as seen
    from ${schema}.job as j
    left join (
      select q.name, ${encodedPart('q.name')} as part from ${schema}.queue as q offset 0
    ) as named on named.name = j.name
    where ${isNative[state]}`)
  return sliceFailures(sql, rows, slice)
}
