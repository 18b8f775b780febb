import type { SortKey } from '../../../shared/jobs/list.ts'
import { namesOf } from '../../database/connection/schema-names.ts'
import { endedAt } from '../../database/job-filter.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import { failureStates, type NarrowedList } from './list-page.ts'

export type TimeKey = Exclude<SortKey, 'priority' | 'status'>
export type TimeRequest = NarrowedList & { sort_by: TimeKey }

type Expression = (sql: Sql) => Fragment

/** A part of a list by a time. Every job is in exactly one part, and an index has the jobs of a part in their order. */
export interface TimePart {
  /** The number of the part in the list. */
  at: number
  /** The time by which the part is sorted; undefined for jobs without a time, which are sorted by id. */
  key: Expression | undefined
  /** A condition that limits the index to this part. */
  range: Expression
  /** The condition of the part beside its range. */
  where: Expression
  /** True for jobs that lack the sort key of the list. */
  lacksKey: boolean
}

const isAlwaysCreated = (sql: Sql): boolean => namesOf(sql)?.jobs?.alwaysCreated === true
const always = staticFragment((sql) => sql`true`)
const createdAt = staticFragment((sql) => sql`jobs.created_at`)
const isCreated = staticFragment((sql) => (isAlwaysCreated(sql) ? always(sql) : sql`jobs.created_at is not null`))
const isNotCreated = staticFragment((sql) => (isAlwaysCreated(sql) ? sql`false` : sql`jobs.created_at is null`))
const hasEnded = staticFragment((sql) => sql`${endedAt(sql)} is not null`)
const hasNotEnded = staticFragment((sql) => sql`${endedAt(sql)} is null`)
const isCompleted = staticFragment((sql) => sql`jobs.completed_at is not null`)
const isNotCompleted = staticFragment((sql) => sql`jobs.completed_at is null`)

/** Jobs without the time of an end that `where` is about, by their creation, and those that lack the creation, too. */
const lacking = (where: Expression): TimePart[] => [
  { at: 1, key: createdAt, range: isCreated, where, lacksKey: true },
  { at: 2, key: undefined, range: isNotCreated, where, lacksKey: true },
]

/** `completed_at` is sorted by the index of the end: it is the first of the times of which the end is made. */
const parts: Record<TimeKey, TimePart[]> = {
  created_at: [
    { at: 0, key: createdAt, range: isCreated, where: always, lacksKey: false },
    { at: 1, key: undefined, range: isNotCreated, where: always, lacksKey: false },
  ],
  ended_at: [{ at: 0, key: endedAt, range: hasEnded, where: always, lacksKey: false }, ...lacking(hasNotEnded)],
  completed_at: [
    { at: 0, key: endedAt, range: hasEnded, where: isCompleted, lacksKey: false },
    ...lacking(isNotCompleted),
  ],
}

/** The parts of a list in their order, which is the same for both directions of sorting. */
export const timeParts = (sortBy: TimeKey): readonly TimePart[] => parts[sortBy]

const live = ['queued', 'processing']

/**
 * SQL conditions on `jobs`, each of which begins with `and`. They name the states of the jobs that can match, where an index of migration
 * 0016 or 0023 has the jobs of each state in the order of the part. Empty where the index of all jobs is read.
 */
export function stateConditions(sql: Sql, request: TimeRequest, part: TimePart): Fragment[] {
  const states = statesOf(request)
  const served = [...live, ...failureStates, ...(part.lacksKey ? ['completed'] : [])]
  if (!states.every((state) => served.includes(state))) return []
  return states.map((state) => {
    const isState = sql.unsafe(`and jobs.status = '${state}'`)
    // Ended jobs without the time of their end are in an index of their own.
    if (part.lacksKey && !live.includes(state)) return sql`${isState} and ${part.where(sql)}`
    return state === 'queued' && request.cluster !== undefined ? sql`${isState} and jobs.retry_count > 0` : isState
  })
}

/** The only states that jobs which match can have; empty where they can have any state, or another index is narrower. */
export function statesOf({ status, stale, cluster, ids, batch_group }: TimeRequest): string[] {
  if (ids || batch_group) return []
  const ofFailures = cluster === undefined ? [] : ['failed', 'quarantined', 'queued']
  return [...new Set(status ?? (stale ? ['processing'] : ofFailures))]
}
