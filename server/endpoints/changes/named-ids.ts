import type { NamedAnswer } from '../../../shared/changes/named-ids.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import { affectedBy, type BulkChange, type CompletedChange, type Matching } from '../../bulk/change/bulk-change.ts'
import { withHolds } from '../../bulk/change/with-holds.ts'
import { hasCode } from '../../database/errors/error-meanings.ts'
import { hasId, idArray } from '../../database/job-ids.ts'
import { isWithin, type Within } from '../../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { type IdFields, idsOf } from './filtered.ts'

type Naming = Within<IdFields>

const mostListed = 100

/** The CTEs `named`, each id of the request once, and `found`, the jobs with these ids that the caller may see. */
const namedAndFound = (sql: Sql, { within }: Naming, ids: readonly JobId[]): Fragment => sql`
  named as materialized (select distinct id from unnest(${idArray(sql, ids)}) as id),
  found as materialized (
    select jobs.id, coalesce(jobs.status, '') as status from jobs where ${hasId(sql, ids)} ${isWithin(sql, within, sql`jobs`)}
  )`

/**
 * A query of the ids of `named` without a job. IN hashes the ids that it compares with: a join would be a nested loop where the planner
 * underestimates them.
 */
const missing = staticFragment(
  (sql) => sql`select id, null::text as status from named where (id in (select id from found)) is not true`,
)

/** The counts and the first of the CTE `others`, as one row of `NamedAnswer`. */
const counted = (sql: Sql): Fragment => sql`
  select
    (select count(*) from others where status is null) as missing_count,
    (select count(*) from others where status is not null) as not_taken_count,
    (select coalesce(jsonb_agg(first order by id), '[]') from (
      select id, status from others order by id limit ${mostListed}
    ) as first) as not_matched`

/** Which of the jobs that the request names do not match now; nothing where it names none. */
export async function readNotMatched(sql: Sql, request: Naming, bulk: Matching): Promise<NamedAnswer> {
  const ids = idsOf(request)
  if (ids === undefined) return {}
  const matching = bulk.matching(sql, await withHolds(sql, bulk))
  const rows = await sql<NamedAnswer[]>`
    with ${namedAndFound(sql, request, ids)},
    matched as materialized (select jobs.id ${matching}),
    others as materialized (
      ${missing(sql)}
      union all
      select id, status from found where (id in (select id from matched)) is not true
    )
    ${counted(sql)}`.catch(nothingInTime)
  return listed(rows[0])
}

/** A search that takes longer than a statement may take leaves these counts out. */
function nothingInTime(error: unknown): NamedAnswer[] {
  if (hasCode(error, ['57014'])) return []
  throw error
}

/**
 * Which of them were not there, after a change of some.
 * @param taken how many of them the change takes; undefined where that is not known
 */
async function readMissing(sql: Sql, request: Naming, taken: number | undefined): Promise<NamedAnswer> {
  const ids = idsOf(request) ?? []
  const [row] = await sql<NamedAnswer[]>`
    with ${namedAndFound(sql, request, ids)},
    others as materialized (${missing(sql)})
    ${counted(sql)}`
  const { missing_count = 0, not_matched } = row ?? {}
  const not_taken_count = taken === undefined ? undefined : Math.max(0, new Set(ids).size - missing_count - taken)
  return listed({ missing_count, not_matched, ...(not_taken_count !== undefined && { not_taken_count }) })
}

/** The list only where it has a job. */
function listed({ not_matched = [], ...counts }: NamedAnswer = {}): NamedAnswer {
  return { ...counts, ...(not_matched.length > 0 && { not_matched }) }
}

/** The change with an answer that counts the jobs which the request names and which are not changed. */
export function withNamed<Answer>(bulk: BulkChange<Answer>, request: Naming): BulkChange<Answer> {
  if (idsOf(request) === undefined) return bulk
  const read = ({ sql, counts, previewed }: CompletedChange): Promise<NamedAnswer> => {
    const affected = affectedBy(bulk, counts)
    if (affected === 0) return readNotMatched(sql, request, bulk)
    const taken = previewed?.count ?? (bulk.limit === undefined ? affected : undefined)
    return readMissing(sql, request, taken)
  }
  return {
    ...bulk,
    // The jobs are changed: an answer without these counts is better than none.
    ownAnswer: async (done) => ({ ...(await bulk.ownAnswer(done)), ...(await read(done).catch(() => ({}))) }),
  }
}
