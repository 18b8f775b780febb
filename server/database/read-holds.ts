import * as z from 'zod'
import { type JobFilter, jobFilterFields } from '../../shared/jobs/job-filter.ts'
import type { Fragment, Sql } from './sql.ts'

/** The holds that have not ended, as conditions on jobs need them. */
export interface Holds {
  filters: readonly HoldByFilter[]
  operations: readonly HoldOfOperation[]
  /** There are holds over single jobs, which `jobsctl_held_jobs` has. */
  haveJobs: boolean
  /** The tables of other engines that holds are over, without those that are gone: a table may have got another name. */
  places: readonly string[]
  /** When the holds were added; absent for all of them. */
  added?: Added
  /** The statement searches many jobs, so that to hash all held jobs takes less time than to look each one up. Absent for a batch. */
  isSearch?: true
}

/** A part of the holds by the time at which they were added, in ISO 8601. */
export interface Added {
  before?: string
  since?: string
}

/** A condition on a hold with this alias: it was added then. */
export const isAdded = (sql: Sql, hold: Fragment, { before, since }: Added): Fragment => sql`
  (${before ?? null}::text is null or ${hold}.created_at < ${before ?? null}::text::timestamptz)
  and (${since ?? null}::text is null or ${hold}.created_at >= ${since ?? null}::text::timestamptz)`

export interface HoldByFilter {
  id: number
  /** The table that the domain of the filter meant when the hold was added; null for jobs of our own, and for a filter without a domain. */
  place?: string | null
  /** A field that is absent does not filter. */
  filter: Omit<JobFilter, 'ids'>
}

interface HoldOfOperation {
  id: number
  place?: string | null
  operation: number
}

export const noHolds: Holds = { filters: [], operations: [], haveJobs: false, places: [] }

/**
 * Reads the holds that have not ended. A change reads them again for each statement: a batch after it has locked its record, so that it
 * sees each hold whose answer has arrived before.
 * @param added only those that were added then
 */
export async function readHolds(sql: Sql, added?: Added): Promise<Holds> {
  const [row] = await sql<
    [Omit<Holds, 'filters'> & { filters: { id: number; filter: unknown; place: string | null }[] }]
  >`
    select
      coalesce(
        jsonb_agg(jsonb_build_object('id', id, 'filter', filter, 'place', place) order by id) filter (where filter is not null), '[]'
      ) as filters,
      coalesce(
        jsonb_agg(jsonb_build_object('id', id, 'operation', operation_id, 'place', place) order by id)
          filter (where operation_id is not null),
        '[]'
      ) as operations,
      coalesce(bool_or(jobs is not null), false) as "haveJobs",
      coalesce(jsonb_agg(distinct place) filter (where exists (
        select from pg_class join pg_namespace on pg_namespace.oid = relnamespace
        where array[nspname::text, relname::text] = parse_ident(place)
      )), '[]') as places
    from jobsctl_holds
    where until > now() ${added ? sql`and ${isAdded(sql, sql`jobsctl_holds`, added)}` : sql``}`
  return {
    ...row,
    ...(added && { added }),
    filters: row.filters.map((hold) => ({ ...hold, filter: knownFilter(hold.filter) })),
  }
}

const { ids: _, ...fields } = jobFilterFields

/** A filter as `addHold` stores it: `payload` has its paths as lists. */
const StoredFilter = z.object({
  ...fields,
  payload: z.array(z.strictObject({ path: z.array(z.string()), value: z.string() })).optional(),
})

/**
 * The fields of a stored filter that this server knows. A field or a value of a later version narrows nothing: the hold is over more jobs
 * here, and never over fewer.
 */
function knownFilter(stored: unknown): HoldByFilter['filter'] {
  const { data, error } = StoredFilter.safeParse(stored)
  if (data) return data
  const odd = new Set(error.issues.map(({ path }) => path[0]))
  return StoredFilter.parse(Object.fromEntries(Object.entries(Object(stored)).filter(([name]) => !odd.has(name))))
}
