import { type BulkKind, bulkKinds, kindOf } from '../../../shared/changes/kinds.ts'
import type { Scope } from '../../../shared/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'

/** What the changes of one principal have touched within 24 hours. */
export interface DayUse {
  used: number
  /** When enough jobs leave the 24-hour window for `wanted` more; ISO 8601 in UTC. Null where they fit now. */
  room_at: string | null
  /** The same in seconds from now. */
  room_in: number | null
}

interface Wanted {
  principal: string
  /** An operation that does not count: the one that asks. */
  except?: number
  /** How many jobs are to be changed, and how many may be in 24 hours. */
  wanted: number
  most: number
}

/**
 * Adds up the changes of many jobs that the callers of a principal made in the last 24 hours, on all servers. One that runs counts with
 * all that it may still change; an undo counts for nothing.
 */
export async function readDayUse(sql: Sql, { principal, except = 0, wanted, most }: Wanted): Promise<DayUse> {
  const [use] = await sql<[DayUse]>`
    with used as (${usesOf(sql, principal, except)}),
    freed as (select leaves, sum(jobs) over (order by leaves) as jobs from used),
    total as (select coalesce(sum(jobs), 0)::bigint as used from used),
    room as (
      select min(leaves) as at
      from freed, total
      where used + ${wanted}::bigint > ${most}::bigint and freed.jobs >= used + ${wanted}::bigint - ${most}::bigint
    )
    select used, to_char(at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as room_at,
      ceil(extract(epoch from at - now()))::bigint as room_in
    from total, room`
  return use
}

interface UnapprovedUse {
  principal: string
  kind: BulkKind
  scope: Scope
  except: number
}

/** The kinds of changes with the same effect as `kind`, which is the first. */
const kindsLike = (kind: BulkKind): BulkKind[] => [
  kind,
  ...bulkKinds.filter((other) => other !== kind && kindOf(other).effect === kindOf(kind).effect),
]

/** How many jobs the changes of a principal touched in 24 hours without an approval: those of this effect that may have met this domain. */
export async function readUnapprovedUse(sql: Sql, { principal, kind, scope, except }: UnapprovedUse): Promise<number> {
  const [{ used }] = await sql<[{ used: number }]>`
    select coalesce(sum(jobs), 0)::bigint as used
    from (${usesOf(sql, principal, except)}) as uses
    where kind = any(${kindsLike(kind)}::text[])
      and not filters ?| array['approval', 'emergency']
      and coalesce(domain = ${scope.domain ?? null}::text, true)`
  return used
}

/** A query of the changes with their `jobs`, and when each is a day old. */
const usesOf = (sql: Sql, principal: string, except: number): Fragment => sql`
  select ${touched(sql)} as jobs, coalesce(ended_at, now()) + interval '24 hours' as leaves, kind, domain, filters
  from job_operations
  left join jobsctl_operation_terms as term on term.operation_id = job_operations.id
  left join jobs_api_tokens as token on token.id = caller
  left join jobsctl_tokens as grants on grants.id = caller
  where ${isOfLastDay(sql)}
    and job_operations.id <> ${except}::bigint
    and coalesce(term.principal, grants.principal, token.name, caller) = ${principal}::text`

/** True for a change of many jobs that runs, or has ended within 24 hours. The day of its seal has an index, and comes no earlier. */
const isOfLastDay = staticFragment(
  (sql) => sql`
    position('.' in kind) = 0 and kind <> 'undo'
    and (
      state = 'running'
      or (day >= ((now() - interval '24 hours') at time zone 'utc')::date and ended_at > now() - interval '24 hours')
    )`,
)

/** How many jobs a change has touched, or may touch while it runs. */
const touched = staticFragment(
  (sql) => sql`case
    when state = 'running' then greatest(coalesce(term.jobs, previewed, 0), affected) + coalesce(term.dependents, 0)
    when affected > 0 then affected + case jsonb_typeof(counts -> 'dependents')
      when 'number' then (counts -> 'dependents')::bigint
      else coalesce(term.dependents, 0)
    end
    else 0
  end`,
)
