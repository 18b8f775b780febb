import type { Level, LiveGroup } from '../../../shared/queues/stats-stream.ts'
import type { Scope } from '../../../shared/scope.ts'

/** A group as the key of a map: its names as a JSON array. */
export const groupKey = ({ domain, queue, job_type }: Record<'domain' | 'queue' | 'job_type', string | null>): string =>
  JSON.stringify([domain, queue, job_type])

/** The counts that a reader wants. */
export interface Wanted extends Scope {
  /** The most groups, where sums of queues or domains can be sent in their place. */
  most?: number | undefined
}

/** Groups as a reader gets them, by `groupKey`. */
export interface Folded {
  level: Level
  groups: ReadonlyMap<string, LiveGroup>
}

/** Sums groups that are too many by their queues, and queues that are too many by their domains, as far as the scope names neither. */
export function foldGroups(groups: readonly LiveGroup[], wanted: Wanted): Folded {
  const level = levelOf(groups, wanted)
  const sums = new Map<string, LiveGroup>()
  for (const group of groups) {
    const named = nameOf(group, level)
    const key = groupKey(named)
    const sum = sums.get(key)
    sums.set(key, sum ? added(sum, group) : named)
  }
  return { level, groups: sums }
}

function levelOf(groups: readonly LiveGroup[], { domain, queue, most = Number.POSITIVE_INFINITY }: Wanted): Level {
  if (queue !== undefined || groups.length <= most) return 'job_type'
  const queues = new Set(groups.map((group) => groupKey(nameOf(group, 'queue'))))
  return domain !== undefined || queues.size <= most ? 'queue' : 'domain'
}

function nameOf(group: LiveGroup, level: Level): LiveGroup {
  if (level === 'job_type') return group
  return { ...group, job_type: '', ...(level === 'domain' && { queue: '' }) }
}

const counted = ['queued', 'scheduled', 'processing', 'quarantined', 'entered', 'ended', 'untold'] as const

function added(sum: LiveGroup, group: LiveGroup): LiveGroup {
  const both = { ...sum, oldest_due: earlier(sum.oldest_due, group.oldest_due) }
  for (const name of counted) both[name] += group[name]
  for (const name of ['failed', 'unmapped'] as const)
    if (group[name] !== undefined) both[name] = (sum[name] ?? 0) + group[name]
  return both
}

const earlier = (one: string | null, other: string | null): string | null =>
  one === null || (other !== null && Date.parse(other) < Date.parse(one)) ? other : one
