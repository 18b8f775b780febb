import type { Conflict, ConflictReason } from '../../shared/changes/undo.ts'
import type { JobId } from '../../shared/work/job-key.ts'
import { idArray } from '../database/job-ids.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import type { WayBack } from './way-back.ts'

const mostConflicts = 100
const mostReasons = 20

/** A token with more excluded ids would be too long. */
const mostExcluded = 2000

/** How many jobs of an operation cannot be restored, the first 100 of them, and the 20 reasons that most of them have. */
interface Conflicts {
  conflict_count: number
  conflict_reasons: ConflictReason[]
  conflicts: Conflict[]
}

/** The conflicts of a preview, with the ids that its token excludes. */
export interface PreviewedConflicts extends Conflicts {
  excluded: JobId[]
}

type Conflicting = Pick<WayBack, 'conflicts'>

/** A query of one row: the conflicts, and the columns of `more`. */
const conflictsQuery = (sql: Sql, way: Conflicting, more: Fragment): Fragment => sql`
  with conflicts as materialized (${way.conflicts(sql)})
  select
    (select count(*) from conflicts) as conflict_count,
    (select coalesce(jsonb_agg(counted order by count desc, reason), '[]') from (
      select reason, count(*) as count from conflicts group by reason order by count(*) desc, reason limit ${mostReasons}
    ) as counted) as conflict_reasons,
    (select coalesce(jsonb_agg(first order by job_id), '[]') from (
      select job_id, reason from conflicts order by job_id limit ${mostConflicts}
    ) as first) as conflicts
    ${more}`

/** A query of one row of `PreviewedConflicts`. */
export const previewedConflicts = (sql: Sql, way: Conflicting): Fragment =>
  conflictsQuery(
    sql,
    way,
    sql`,
    (select coalesce(jsonb_agg(job_id), '[]') from (select job_id from conflicts limit ${mostExcluded}) as few) as excluded`,
  )

/** Reads the conflicts after an undo, and adds the jobs that the database rejected during the undo. */
export async function readConflicts(
  sql: Sql,
  way: Conflicting,
  rejected: ReadonlyMap<JobId, string>,
): Promise<Conflicts> {
  const [{ conflict_count, conflict_reasons, conflicts: first, alone }] = await sql<[Conflicts & { alone: JobId[] }]>`
    ${conflictsQuery(
      sql,
      way,
      sql`,
      (select coalesce(jsonb_agg(id), '[]') from unnest(${idArray(sql, [...rejected.keys()])}) as id
        where id not in (select job_id from conflicts)) as alone`,
    )}`
  const others = [...rejected].filter(([id]) => alone.includes(id))
  const all = [...others.map(([job_id, reason]) => ({ job_id, reason })), ...first]
  return {
    conflict_count: conflict_count + others.length,
    conflict_reasons: withOthers(
      conflict_reasons,
      others.map(([, reason]) => reason),
    ),
    conflicts: all.slice(0, mostConflicts),
  }
}

/** Counts the reasons of jobs that the database rejected among the others. */
function withOthers(counted: readonly ConflictReason[], others: readonly string[]): ConflictReason[] {
  const counts = new Map(counted.map(({ reason, count }) => [reason, count]))
  for (const reason of others) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  const sorted = [...counts].sort(([, one], [, other]) => other - one)
  return sorted.slice(0, mostReasons).map(([reason, count]) => ({ reason, count }))
}
