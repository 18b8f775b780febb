import type { Sql } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import { queueKey } from '../../waiting/long-poll.ts'
import { groupKey } from '../queues/fold-groups.ts'
import { labelText } from './series.ts'

/** The most groups and queues that have series of their own. */
const mostGroups = 1000
/** The index of the known groups takes no longer names, in bytes of UTF-8. */
const mostBytes = 2000

/** A group, or a queue without jobs, whose `job_type` is empty. */
export interface Group {
  domain: string
  queue: string
  job_type: string
}

type Queue = Pick<Group, 'domain' | 'queue'>

/** What the label of a name is where the group or queue has no series of its own. */
const other = 'other'

/** The groups that have series of their own, and the labels of any group and queue, as `labelText` returns them. */
export interface KnownGroups {
  groups: readonly Group[]
  hasQueue: (queue: Queue) => boolean
  /** A function that adds one more label, as `labelText` returns it, to those of the group. */
  labelsOfGroup: (group: Group) => (more: string) => string
  labelsOfDomain: (domain: string) => string
  labelsOfQueue: (queue: Queue) => string
}

/**
 * The first 1,000 groups that any server has seen, the same for all servers. They keep their series when their jobs are gone; later
 * groups are `other`.
 */
export interface GroupList {
  /** The groups as far as this server knows them. */
  read: () => Promise<KnownGroups>
  /** Adds the groups that are new, while there is room. */
  add: (groups: readonly Group[]) => Promise<KnownGroups>
}

export function createGroupList(sql: Sql, isStandby: () => boolean): GroupList {
  let known = knownGroups([])
  let isRead = false
  const read = async () => {
    known = knownGroups(
      await sql<Group[]>`
        select domain, queue, job_type from jobsctl_metric_groups order by number limit ${mostGroups}`,
    )
    isRead = true
  }
  return {
    async read() {
      if (!isRead) await read()
      return known
    },
    async add(groups) {
      // A server that only looks keeps the list in memory: there is no table for it.
      if (servedBy(sql).mode === 'look') {
        known = withMore(known, groups)
        return known
      }
      // A replica cannot write the list. Once it is promoted, the groups are added to it.
      if (isStandby()) return withMore(known, groups)
      if (!isRead) await read()
      const isFull = () => known.groups.length >= mostGroups
      if (isFull() || groups.every(known.has)) return known
      // Another server may have added the group meanwhile, or may have filled the list.
      await read()
      const fresh = groups.filter((group) => !known.has(group) && fits(group))
      if (isFull() || fresh.length === 0) return known
      await insert(sql, fresh.slice(0, mostGroups - known.groups.length))
      await read()
      return known
    },
  }
}

/** The list with more groups, which are only in memory. */
const withMore = (known: ReturnType<typeof knownGroups>, groups: readonly Group[]) =>
  groups.every(known.has)
    ? known
    : knownGroups([...known.groups, ...groups.filter((group) => !known.has(group))].slice(0, mostGroups))

const insert = (sql: Sql, groups: readonly Group[]) => sql`
  insert into jobsctl_metric_groups (domain, queue, job_type)
  select domain, queue, job_type
  from jsonb_to_recordset(${JSON.stringify(groups)}::text::jsonb) as fresh (domain text, queue text, job_type text)
  on conflict do nothing`

/** False also for a group without one of the names, which a table of another program may have. */
const fits = ({ domain, queue, job_type }: Group): boolean =>
  [domain, queue, job_type].every((name) => typeof name === 'string') &&
  Buffer.byteLength(domain + queue + job_type) <= mostBytes

function knownGroups(groups: readonly Group[]): KnownGroups & { has: (group: Group) => boolean } {
  // The texts are made once, and not at each scrape.
  const ofGroups = new Map(groups.map((group) => [groupKey(group), textsWith(groupLabels(group))]))
  const ofQueues = new Map(groups.map((group) => [queueKey(group), queueLabels(group)]))
  const ofDomains = new Map(groups.map(({ domain }) => [domain, labelText({ domain })]))
  const others = { domain: other, queue: other, job_type: other }
  const ofOtherGroups = textsWith(groupLabels(others))
  return {
    groups,
    has: (group) => ofGroups.has(groupKey(group)),
    hasQueue: (queue) => ofQueues.has(queueKey(queue)),
    labelsOfGroup: (group) => ofGroups.get(groupKey(group)) ?? ofOtherGroups,
    labelsOfDomain: (domain) => ofDomains.get(domain) ?? labelText({ domain: other }),
    labelsOfQueue: (queue) => ofQueues.get(queueKey(queue)) ?? queueLabels(others),
  }
}

const groupLabels = ({ domain, queue, job_type }: Group): string => labelText({ domain, queue, job_type })
const queueLabels = ({ domain, queue }: Queue): string => labelText({ domain, queue })

/** Returns `labels` with one more label; the text for each of these is made once. */
function textsWith(labels: string): (more: string) => string {
  const texts = new Map<string, string>()
  return (more) => {
    const known = texts.get(more)
    if (known !== undefined) return known
    const text = `${labels},${more}`
    texts.set(more, text)
    return text
  }
}
