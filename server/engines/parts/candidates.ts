import { inQueueScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineCheck } from '../adapter.ts'
import type { Found } from '../found.ts'
import { quotedText } from './sql-text.ts'

/** The most jobs that one check compares. */
const mostRead = 50_000

/**
 * The candidates of a check at one place, bounded.
 * @param rows a query of `(queue, native_id)`, in which every row is broken
 */
export const boundedCandidates = (
  sql: Sql,
  { domain }: Pick<Found, 'domain'>,
  scope: Narrowed,
  rows: Fragment,
): EngineCheck['candidates'] => sql`
  select queue, native_id, true as is_broken, count(*) over () > ${mostRead}::int as is_cut
  from (
    select *
    from (select ${sql.unsafe(quotedText(domain))}::text as domain, found.* from (${rows}) as found) as every
    where true ${inQueueScope(sql, scope)}
    ${sql.unsafe(`limit ${mostRead + 1}`)}
  ) as judged`
