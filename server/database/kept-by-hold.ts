import { namesOf } from './connection/schema-names.ts'
import { hasKnownRules, isFailure } from './error-pattern.ts'
import { inFilter } from './job-filter.ts'
import { isJobOf } from './job-ids.ts'
import { type Added, type HoldByFilter, type Holds, isAdded } from './read-holds.ts'
import { type Fragment, type Sql, staticFragment } from './sql.ts'

/**
 * An SQL condition on a row of `jobs`: true where a hold keeps the job from being deleted or ended, and never null. Undefined where there
 * is no hold.
 */
export const isKeptByHold = (sql: Sql, holds: Holds): Fragment | undefined =>
  anyOf(sql, [
    ...keepers(sql, holds),
    ...ofOperations(
      sql,
      { operations: holds.operations.filter((hold) => !isElsewhere(sql, holds, hold)) },
      (ids) => sql`exists (
        select from job_operation_rows as image where image.operation_id = any(${ids}) and image.job_ref = jobs.id offset 0
      )`,
    ),
  ])

/** The same for a row of the archive, which has the alias `jobs`: a hold over its operation keeps it, too. */
export const isArchivedKeptByHold = (sql: Sql, holds: Holds): Fragment | undefined =>
  anyOf(sql, [
    ...ofOperations(sql, holds, (ids) => sql`(jobs.operation_id = any(${ids})) is true`),
    ...keepers(sql, holds),
  ])

/** The same for a row of `job_operation_rows` with the alias `images`: a hold is over its operation, or keeps its job. */
export function isImageKeptByHold(sql: Sql, holds: Holds): Fragment | undefined {
  const job = anyOf(sql, keepers(sql, holds))
  return anyOf(sql, [
    ...ofOperations(sql, holds, (ids) => sql`images.operation_id = any(${ids})`),
    ...(job
      ? [sql`exists (select from jobs where ${isJobOf(sql, 'images.job_ref', 'jobs')} and ${job} offset 0)`]
      : []),
  ])
}

/** `and not …`; nothing where there is no hold. */
export const unless = (sql: Sql, kept: Fragment | undefined): Fragment => (kept ? sql`and not ${kept}` : sql``)

/**
 * A query of one number: how many rows of a source a hold keeps.
 * @param source `from … where …`
 */
export const countKept = (sql: Sql, source: Fragment, kept: Fragment | undefined): Fragment =>
  kept ? sql`select count(*) ${source} and ${kept}` : sql`select 0::bigint`

/** True for an operation that has a hold of its own. */
export const operationIsHeld = (sql: Sql, operation: Fragment): Fragment => sql`exists (
  select from jobsctl_holds as hold
  where hold.operation_id is not null and hold.operation_id = ${operation} and hold.until > now()
)`

const anyOf = (sql: Sql, [first, ...more]: readonly Fragment[]): Fragment | undefined =>
  first && sql`(${more.reduce((any, next) => sql`${any} or ${next}`, first)})`

/** The conditions of the holds over single jobs and over filters, for a row with the columns of `jobs`. */
const keepers = (sql: Sql, holds: Holds): Fragment[] => [
  ...(holds.haveJobs ? [heldById(sql, holds)] : []),
  ...holds.filters.filter((hold) => !isElsewhere(sql, holds, hold)).map((hold) => matches(sql, filterHere(sql, hold))),
]

/** A hold is over the jobs of another table alone. Where that table is not there, it may be this one under an earlier name, and the hold keeps. */
function isElsewhere(sql: Sql, { places }: Pick<Holds, 'places'>, { place }: { place?: string | null }): boolean {
  const here = namesOf(sql)?.place?.table
  return here !== undefined && typeof place === 'string' && place !== here && places.includes(place)
}

/** The filter of a hold over this table alone: its jobs may have another domain by now. */
const filterHere = (sql: Sql, { filter, place }: HoldByFilter): HoldByFilter['filter'] =>
  typeof place === 'string' && place === namesOf(sql)?.place?.table ? { ...filter, domain: undefined } : filter

/** `and …` on the alias `hold`: it is not over the jobs of another table alone, whose keys may be the same. */
export function notElsewhere(sql: Sql, holds: Pick<Holds, 'places'>): Fragment {
  const others = holds.places.filter((place) => isElsewhere(sql, holds, { place }))
  return others.length === 0 ? sql`` : sql`and (hold.place = any(${others}::text[])) is not true`
}

function heldById(sql: Sql, holds: Holds): Fragment {
  const { added, isSearch, places } = holds
  if (places.some((place) => isElsewhere(sql, holds, { place })))
    return sql`exists (${heldJob(sql)} ${notElsewhere(sql, holds)} ${added ? sql`and ${isAdded(sql, sql`hold`, added)}` : sql``} offset 0)`
  if (added) return isHeldByIdSince(sql, added)
  return isSearch ? isAmongHeld(sql) : isHeldById(sql)
}

/** A column that is null matches no filter: the condition is false then, since `not null` would keep the job. */
function matches(sql: Sql, filter: HoldByFilter['filter']): Fragment {
  const { cluster, ...others } = filter
  // A cluster of rules that this server does not have may be any: the hold is over all failures.
  return cluster === undefined || hasKnownRules(cluster)
    ? sql`(true ${inFilter(sql, filter)}) is true`
    : sql`(${isFailure(sql)} ${inFilter(sql, others)}) is true`
}

/** The condition of the holds over operations, which takes their ids; none where there are no such holds. */
const ofOperations = (
  sql: Sql,
  { operations }: Pick<Holds, 'operations'>,
  condition: (ids: Fragment) => Fragment,
): Fragment[] =>
  operations.length === 0
    ? []
    : [condition(sql`${operations.map(({ operation }) => String(operation))}::text[]::bigint[]`)]

const heldJob = (sql: Sql): Fragment => sql`
    select from jobsctl_held_jobs as held
    join jobsctl_holds as hold on hold.id = held.hold_id
    where held.job_ref = jobs.id and hold.until > now()`

/** OFFSET keeps the planner from a hash over all held jobs, which each batch would make again. */
const isHeldById = staticFragment(
  (sql) => sql`exists (${heldJob(sql)}
    offset 0
  )`,
)

/** The same for a search: without other holds the planner joins the held jobs, by a hash where there are many. */
const isAmongHeld = staticFragment((sql) => sql`exists (${heldJob(sql)})`)

const isHeldByIdSince = (sql: Sql, added: Added): Fragment => sql`exists (
  select from jobsctl_held_jobs as held
  join jobsctl_holds as hold on hold.id = held.hold_id
  where held.job_ref = jobs.id and hold.until > now() and ${isAdded(sql, sql`hold`, added)}
)`
