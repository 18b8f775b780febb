import type { Cluster, ClustersRequest, NotRead } from '../../../shared/jobs/clusters.ts'
import {
  clusterDigits,
  failureCode,
  failureMessage,
  failureState,
  isRetrying,
  patternOf,
} from '../../database/error-pattern.ts'
import { hasState } from '../../database/job-filter.ts'
import { hashOfId, hasKeys } from '../../database/job-ids.ts'
import { inScope, isWithin, type Narrowed, type Within } from '../../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import type { FailureSlice } from '../../engines/adapter.ts'
import { fromAllPlaces, isOfSeveral, servedBy } from '../../engines/served.ts'

/** The most jobs of each state that are read, the newest first. */
const mostScanned = 100_000

/** The most different messages that are folded, the newest first. */
const mostFolded = 20_000

/** How many minutes the rate is about. */
const rateMinutes = 5

interface Bounds {
  /** How many jobs were read. */
  scanned: number
  not_read: NotRead[]
  /** The states that have messages which were not folded. */
  not_folded: string[]
}

type Columns = Omit<Cluster, 'cluster' | 'sample_ids' | 'at_least'>

export type ClusterRow = Bounds & { [Name in keyof Columns]: Columns[Name] | null } & {
  /** The digits of a cluster; null for the failures that are in no other row. */
  digits: string | null
  /** Ids of some jobs, the newest among them. They are texts, because JavaScript would round an id above 2^53. */
  some_ids: (string | null)[] | null
}

/** `scope`: the newest failures in the scope of the request; `all`: those in the scope among the newest of all. */
export type Among = 'scope' | 'all'
type Searched = Within<ClustersRequest> & { among: Among }

/**
 * The largest clusters, the largest first, and then one row of all other failures. Jobs with the same text and the same names
 * are counted first, then different texts are folded, then groups with the same pattern are added up.
 */
export const readClusters = (sql: Sql, request: Searched) => sql<ClusterRow[]>`
  with grouped as materialized (${grouped(sql, request)}),
  keyed as materialized (
    select *, hashtextextended((status || chr(31) || code || chr(31) || message) collate "C", 0) as key
    from grouped
    where true ${inScope(sql, request)}
  ),
  patterns as materialized (
    select *, ${clusterDigits(sql, { state: sql`status`, code: sql`code`, pattern: sql`pattern` })} as digits
    from (
      select key, status, code, ${patternOf(sql, sql`message`)} as pattern
      from (
        select
          key, min(status collate "C") as status, min(code collate "C") as code, min(message collate "C") as message,
          max(last_seen) as newest
        from keyed
        group by key
        order by newest desc nulls last
        ${sql.unsafe(`limit ${mostFolded}`)}
      ) as texts
      offset 0
    ) as folded
  ),
  -- From here on there is a row for each group of a cluster, and no longer for each text.
  placed as materialized (
    select
      digits, pattern, keyed.status, keyed.code, domain, queue, job_type, owner_user_id,
      sum(count)::bigint as count, min(first_seen) as first_seen, max(last_seen) as last_seen, sum(recent) as recent,
      ${idsOfGroup(sql)} as ids
    from keyed
    left join patterns using (key)
    group by digits, pattern, keyed.status, keyed.code, domain, queue, job_type, owner_user_id
  ),
  largest as materialized (
    select digits
    from placed
    where digits is not null
    group by digits
    order by sum(count) desc, digits
    limit ${request.limit}
  ),
  listed as materialized (
    select placed.*, largest.digits as place
    from placed
    left join largest using (digits)
  )
  select
    bounds.*, totals.*, groups.groups, groups.group_count, owners.owners, owners.owner_count, domains.domains, domains.domain_count,
    queues.queue_count
  from (${bounds(sql)}) as bounds
  left join (${totals(sql)}) as totals on true
  left join (${largestGroups(sql)}) as groups on groups.place is not distinct from totals.digits
  left join (${largestOwners(sql)}) as owners on owners.place is not distinct from totals.digits
  left join (${largestDomains(sql)}) as domains on domains.place is not distinct from totals.digits
  left join (${queueCounts(sql)}) as queues on queues.place is not distinct from totals.digits
  order by totals.digits is null, totals.count desc, totals.digits`

const endOfFailure = staticFragment(
  (sql) => sql`coalesce(jobs.completed_at, jobs.cancelled_at, jobs.quarantined_at, jobs.created_at)`,
)

/** The failures of a state: of several places, the newest of all of them. */
function newest(sql: Sql, make: (of: Sql) => Fragment, most = mostScanned): Fragment {
  const parts = fromAllPlaces(sql, make)
  return isOfSeveral(sql)
    ? sql`(select * from (${parts}) as parts order by seen desc ${sql.unsafe(`limit ${most + 1}`)})`
    : parts
}

interface Wanted {
  scope: Narrowed
  since: string
  until?: string | undefined
  /** `failed` and `quarantined` where it is absent. */
  states?: readonly FailureSlice['state'][]
  most: number
}

/**
 * The newest failures of a scope since a time, as `(id, domain, queue, job_type, owner_user_id, status, code, message, seen)`: at most `most + 1` of
 * each state.
 */
export function newestFailures(
  sql: Sql,
  { scope, since, until, states = ['failed', 'quarantined'], most }: Wanted,
): Fragment {
  const request: Searched = { ...scope, since, until, within: scope.within, limit: 1, among: 'scope' }
  return union(sql, states, (state) => newest(sql, (of) => failuresOf(of, request, state, most), most))
}

const union = <Item>(sql: Sql, items: readonly Item[], make: (item: Item) => Fragment): Fragment =>
  items.map(make).reduce((all, one) => sql`${all} union all ${one}`)

/** The failures of one state, with the condition of the index that has them in the order of their time. */
function failuresOf(sql: Sql, request: Searched, state: FailureSlice['state'], most = mostScanned): Fragment {
  const part = { request, state, most }
  return state === 'retrying'
    ? failures(sql, {
        ...part,
        seen: sql`jobs.updated_at`,
        where: isRetrying(sql, sql`${hasState(sql, ['queued'])} and jobs.retry_count > 0`),
      })
    : failures(sql, { ...part, seen: endOfFailure(sql), where: hasState(sql, [state]) })
}

/** Jobs with the same values in every field of the answer, and their number. */
function grouped(sql: Sql, request: Searched): Fragment {
  const states = request.status ? [request.status] : (['failed', 'quarantined', 'retrying'] as const)
  return sql`
    select
      status, code, message, domain, queue, job_type, owner_user_id,
      count(*) as count,
      min(seen) filter (where isfinite(seen)) as first_seen,
      max(seen) filter (where isfinite(seen)) as last_seen,
      count(*) filter (where seen > now() - ${sql.unsafe(`${rateMinutes} * interval '1 minute'`)} and seen <= now()) as recent,
      ${idsOfText(sql)} as ids
    from (${union(sql, states, (state) => newest(sql, (of) => failuresOf(of, request, state)))}) as failures
    group by status, code, message, domain, queue, job_type, owner_user_id`
}

/** Some of the ids of jobs with one text. To compare the keys of an engine takes as long as all else here: two are enough. */
const idsOfText = staticFragment((sql) =>
  hasKeys(sql)
    ? sql`array[max(id), min(id)]`
    : sql`array[max(id), min(id), max(id) filter (where ${hashOfId(sql)} % 2 = 0), max(id) filter (where ${hashOfId(sql)} % 2 <> 0)]`,
)

/** Some of the ids of a group, the highest first, made of those of its texts. */
const idsOfGroup = staticFragment((sql) =>
  hasKeys(sql)
    ? sql`array[max(ids[1]), min(ids[2]), min(ids[1]), max(ids[2])]`
    : sql`array[max(ids[1]), min(ids[2]), max(ids[3]), max(ids[4])]`,
)

interface Part extends Pick<FailureSlice, 'state'> {
  request: Searched
  /** When the job failed. */
  seen: Fragment
  /** The condition of an index that has the jobs in the order of this time. */
  where: Fragment
  /** One job more than this is read at most. */
  most?: number
}

/** The scope of the caller is a condition here, or the newest failures of others would be all that is read. */
function failures(sql: Sql, part: Part): Fragment {
  const { mode, places } = servedBy(sql)
  const [place] = places
  if (mode === 'own' || !place?.adapter.failures) return failuresAsJobs(sql, part)
  const { state, request, most = mostScanned } = part
  const { since, until, ...scope } = request
  return place.adapter.failures(sql, place.found, { state, since, until, scope, most })
}

const failuresAsJobs = (
  sql: Sql,
  { request: { since, until, among, ...scope }, seen, where, most = mostScanned }: Part,
): Fragment => sql`
  (
    select
      jobs.id, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id,
      ${failureState(sql)} as status, ${failureCode(sql)} as code, ${failureMessage(sql)} as message, ${seen} as seen
    from jobs
    where ${where}
      ${since === undefined ? sql`` : sql`and ${seen} >= ${since}::text::timestamptz`}
      ${until === undefined ? sql`` : sql`and ${seen} < ${until}::text::timestamptz`}
      ${among === 'all' ? isWithin(sql, scope.within) : inScope(sql, scope)}
    order by ${seen} desc
    ${sql.unsafe(`limit ${most + 1}`)}
  )`

/** A state with more failures than are read is cut at the oldest that was read; others may have failed at the same time. */
const bounds = staticFragment(
  (sql) => sql`
    select
      coalesce(sum(read), 0)::bigint as scanned,
      coalesce(
        jsonb_agg(jsonb_build_object('state', status, 'before', oldest + interval '1 microsecond') order by status)
          filter (where read > ${sql.unsafe(String(mostScanned))}),
        '[]'
      ) as not_read,
      (select coalesce(jsonb_agg(distinct status), '[]') from placed where digits is null) as not_folded
    from (select status, sum(count) as read, min(first_seen) as oldest from grouped group by status) as states`,
)

const totals = staticFragment(
  (sql) => sql`
    select
      place as digits,
      case when place is not null then min(status collate "C") end as status,
      case when place is not null then nullif(min(code collate "C"), '') end as error_code,
      case when place is not null then min(pattern collate "C") end as pattern,
      sum(count)::bigint as count,
      min(first_seen) as first_seen,
      max(last_seen) as last_seen,
      -- Some of the jobs, since to sort all of them takes longer than everything else here.
      to_jsonb(((array_agg(ids[1]))[1:3] || array[max(ids[1]), min(ids[2]), max(ids[3]), max(ids[4])])::text[]) as some_ids,
      round(sum(recent) / ${sql.unsafe(String(rateMinutes))}, 1)::float8 as per_minute
    from listed
    group by place`,
)

interface Parts {
  /** The columns that a part has in common. */
  names: readonly string[]
  /** The column of the list. */
  list: string
  /** The column of the number of all parts: of those whose last name is not null. */
  number: string
}

/** The ten largest of the parts of each cluster, as a list of JSON objects, and how many parts there are in all. */
const largestParts = (sql: Sql, { names, list, number }: Parts): Fragment => {
  const columns = sql.unsafe(names.join(', '))
  const fields = sql.unsafe(names.map((name) => `'${name}', ${name}`).join(', '))
  return sql`
    select
      place,
      jsonb_agg(jsonb_build_object(${fields}, 'count', count) order by nth) filter (where nth <= 10) as ${sql(list)},
      count(${sql(names.at(-1) ?? '')}) as ${sql(number)}
    from (
      select
        place, ${columns}, sum(count)::bigint as count,
        row_number() over (partition by place order by sum(count) desc, ${columns}) as nth
      from listed
      group by place, ${columns}
    ) as parts
    group by place`
}

const largestGroups = staticFragment((sql) =>
  largestParts(sql, { names: ['domain', 'queue', 'job_type'], list: 'groups', number: 'group_count' }),
)
const largestOwners = staticFragment((sql) =>
  largestParts(sql, { names: ['owner_user_id'], list: 'owners', number: 'owner_count' }),
)
const largestDomains = staticFragment((sql) =>
  largestParts(sql, { names: ['domain'], list: 'domains', number: 'domain_count' }),
)

const queueCounts = staticFragment(
  (sql) => sql`
    select place, count(*) as queue_count
    from (select distinct place, domain, queue from listed) as queues
    group by place`,
)
