import type { GroupStats } from '../../../shared/queues/stats.ts'
import { inScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { OldestDue, WaitingGroup } from '../adapter.ts'
import type { Found } from '../found.ts'

/** The place with a domain. */
export const placeWith = (found: readonly Found[], { domain }: { domain: string }): Found | undefined =>
  found.find((place) => place.domain === domain)

/** The query of each place of a scope, all together; undefined where no place has its domain. */
export function unionInScope(
  sql: Sql,
  found: readonly Found[],
  { domain }: Pick<Narrowed, 'domain'>,
  make: (place: Found) => Fragment,
): Fragment | undefined {
  const [first, ...others] = found.filter((place) => domain === undefined || place.domain === domain).map(make)
  return first && others.reduce((all, one) => sql`${all} union all ${one}`, first)
}

/**
 * Reads the groups of all places, each by a query of its own.
 * @returns rows in the order of the answer: by the bytes of their names
 */
export async function readGroupsBy(
  sql: Sql,
  found: readonly Found[],
  scope: Narrowed,
  groupsOf: (place: Found) => Fragment,
): Promise<GroupStats[]> {
  const all = unionInScope(sql, found, scope, groupsOf)
  if (!all) return []
  return [
    ...(await sql<GroupStats[]>`
      select *
      from (${all}) as groups
      where true ${inScope(sql, scope)}
      order by domain collate "C", queue collate "C", job_type collate "C"`),
  ]
}

/** Reads since when the oldest job of each group could run, at each place that has one of the groups. */
export async function readOldestBy(
  found: readonly Found[],
  groups: readonly WaitingGroup[],
  read: (place: Found, groups: readonly WaitingGroup[]) => Promise<readonly OldestDue[]>,
): Promise<OldestDue[]> {
  const rows: OldestDue[] = []
  for (const place of found) {
    const waiting = groups.filter(({ domain }) => domain === place.domain)
    if (waiting.length > 0) rows.push(...(await read(place, waiting)))
  }
  return rows
}
