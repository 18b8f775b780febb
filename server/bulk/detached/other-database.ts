import {
  changedParts,
  isPartlyKnown,
  type Origin,
  originParts,
  readOrigin,
} from '../../database/installation/origin.ts'
import type { Pool } from '../../database/sql.ts'
import type { Claim } from '../change/claim.ts'

/**
 * Why a change that is taken over began in another database, as a clause; undefined where it began in this one. Its snapshot tells jobs
 * apart by ids of transactions, which a dump does not bring along. In another cluster, or in a table that was loaded again, it would take
 * jobs for its own that came later. Another timeline is no hindrance: a database that has the record has all transactions before it.
 * @param origin the database in which it began; undefined where a server of an earlier version began it
 */
export async function findOtherDatabase(
  sql: Pool,
  { operation }: Claim,
  origin: Origin | undefined,
): Promise<string | undefined> {
  const now = origin && (await readOrigin(sql))
  const changed = now ? changedParts(origin, now).filter((part) => part !== 'timeline') : []
  if (changed.length > 0) return clause(changed.map((part) => originParts[part]).join(' and '))
  if (!isPartlyKnown(origin)) return undefined
  const [moved] = await sql`
    select
    from job_events
    join job_operations on job_operations.id = ${operation}::bigint
    where job_events.job_id is null and event_type = 'log.moved' and job_events.created_at > started_at
      and attrs_json ->> 'why' ~ ${`${originParts.system}|${originParts.table}`}::text
    limit 1`
  return moved && clause('event log.moved')
}

const clause = (how: string) => `the database was restored from a dump since it began (${how})`
