import type { RefusedAnswer } from '../../../shared/changes/refused.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import { placeTaken } from '../../bulk/batches/batch-errors.ts'
import type { BulkChange, JobSet } from '../../bulk/change/bulk-change.ts'
import { currentSet } from '../../bulk/change/with-holds.ts'
import { hasCode } from '../../database/errors/error-meanings.ts'
import { idArray } from '../../database/job-ids.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineAct, EnginePlace } from '../../engines/writes.ts'
import { whyEngineRefuses } from '../../undo/engine/target.ts'

const mostListed = 100

/**
 * The part of a change that tells which jobs their engine does not let be changed so. Nothing where the engine lets every job.
 * @param asked `from jobs where …`: the jobs that the request asks for, also those that the engine keeps
 */
export const refusedAmong = (
  sql: Sql,
  act: EngineAct['act'],
  asked: (sql: Sql) => Fragment,
): Pick<BulkChange<unknown>, 'refused'> =>
  whyEngineRefuses(sql, act)
    ? { refused: (sql) => judged(sql, whyEngineRefuses(sql, act) ?? sql`null`, asked(sql)) }
    : {}

/**
 * A query of `(job_id, reason)`: the jobs for which there is a reason.
 * @param reason an expression on `jobs`, null for the others
 * @param asked `from jobs where …`
 */
export const judged = (sql: Sql, reason: Fragment, asked: Fragment): Fragment => sql`
  select job_id, reason
  from (select jobs.id as job_id, ${reason} as reason ${asked}) as judged
  where reason is not null`

interface Behind {
  places: readonly EnginePlace[]
  /** `from jobs where …`: the jobs that the change takes, but for these places. */
  taken: Fragment
  /** A condition on `jobs`: another job with this place was changed since the preview. Undefined for the preview itself. */
  changed: Fragment | undefined
}

/**
 * An SQL condition on `jobs`, never null: one of the places of the job goes to an older job that the change takes, too. Since the preview another job may
 * have had the place, and have left it again: the preview then did not count this one. It reads other jobs only where a job has a place.
 */
export const isBehind = (sql: Sql, { places, taken, changed }: Behind): Fragment =>
  places.reduce(
    (
      before,
      { wanted, compared, had },
    ) => sql`(${before} or case when ${wanted} is not null then (jobs.queue, jobs.native_id) in (
      select queue, native_id
      from (
        select jobs.queue, jobs.native_id, row_number() over (partition by ${wanted} order by jobs.created_at, jobs.native_id) as nth
        ${taken} and ${wanted} is not null
      ) as sharing
      where nth > 1
    ) ${changed ? sql`or ${compared} in (select ${had} from jobs where ${changed})` : sql``} else false end)`,
    sql`false`,
  )

/** An SQL expression: why a job is left that is behind another one. */
export const whyBehind = (sql: Sql, behind: Fragment): Fragment =>
  sql`case when ${behind} then 'another job that matches takes its place in the queue' end`

interface Found extends Required<RefusedAnswer> {
  /** The jobs that the database rejected, and that are not among the refused ones. */
  others: JobId[]
}

/**
 * The jobs that match and that their engine does not let the change take, with those that the database rejected during the change.
 * @param set by default the set of a preview
 * @returns nothing where there are none, and where the search takes longer than a statement may
 */
export async function readRefused(
  sql: Sql,
  { refused, rejected }: Pick<BulkChange<unknown>, 'refused' | 'rejected'>,
  set: JobSet = currentSet,
): Promise<RefusedAnswer> {
  if (!refused) return {}
  const [row] = await sql<Found[]>`
    with refused as materialized (${refused(sql, set)})
    select
      (select count(*) from refused) as refused_count,
      (select coalesce(jsonb_agg(first order by job_id), '[]') from (
        select job_id, reason from refused order by job_id limit ${mostListed}
      ) as first) as refused,
      (select coalesce(jsonb_agg(id order by id), '[]') from unnest(${idArray(sql, [...(rejected?.keys() ?? [])])}) as id
        where id not in (select job_id from refused)) as others`.catch(nothingInTime)
  const { refused: listed = [], refused_count = 0, others = [...(rejected?.keys() ?? [])] } = row ?? {}
  const all = [...listed, ...others.map((job_id) => ({ job_id, reason: reasonOf(rejected?.get(job_id)) }))]
  const count = refused_count + others.length
  return count === 0 ? {} : { refused_count: count, refused: all.slice(0, mostListed) }
}

/**
 * Why the database has rejected a job, from the reason that the batches have kept. A unique index has told of another job; whatever else
 * says what it is itself, such as a trigger.
 */
const reasonOf = (rejection = placeTaken): string =>
  rejection === placeTaken ? rejection : `the database rejects it: ${rejection}`

function nothingInTime(error: unknown): Found[] {
  if (hasCode(error, ['57014'])) return []
  throw error
}
