import { mostNeeded } from '../../../shared/explain/phrases.ts'
import type { Finding } from '../../../shared/explain/reason.ts'
import { keyText } from '../../../shared/work/job-key.ts'
import { isWithin, type Within } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineJob } from '../adapter.ts'
import type { Found } from '../found.ts'
import { placeWith } from '../parts/in-places.ts'
import { parseKey } from './key.ts'
import { typeOf } from './projection.ts'

/** The most jobs that a job waits for which are named. */
const mostNamed = 20

interface Native {
  place: Found
  /** The schema, as a part of a statement. */
  of: Fragment
  queue: string
  id: string
}

function nativeOf(sql: Sql, found: readonly Found[], { id, domain }: EngineJob): Native | undefined {
  const place = placeWith(found, { domain })
  const { queue, id: native } = parseKey(String(id)) ?? {}
  if (!place || queue === undefined || native === undefined) return undefined
  return { place, of: sql.unsafe(place.schema), queue, id: native }
}

/**
 * What keeps a waiting job from running, beside its own time: other jobs within the scope of the caller, the policy of its queue, and the end of
 * its retention.
 */
export async function findReasons(sql: Sql, found: readonly Found[], job: Within<EngineJob>): Promise<Finding[]> {
  const native = nativeOf(sql, found, job)
  if (!native) return []
  return [
    ...(native.place.columns.has('blocked') ? await findParents(sql, native, job) : []),
    ...(await findSlot(sql, native, job)),
    ...(await findRetention(sql, native)),
  ]
}

interface Parent {
  queue: string
  id: string
  /** Null for a job that was deleted. */
  status: string | null
  /** How many jobs have to complete before the job runs; null where this version does not count them. */
  pending: number | null
  /** False for a job outside of the scope of the caller. */
  is_within: boolean
}

async function findParents(sql: Sql, { of, queue, id, place }: Native, job: Within<EngineJob>): Promise<Finding[]> {
  const counted = place.columns.has('pending_dependencies') ? sql`j.pending_dependencies` : sql`null::integer`
  // Each kind of parents has a limit of its own, so that a count below it is exact.
  const parents = await sql<Parent[]>`
    select queue, id, status, pending, is_within
    from (
      select
        *, row_number() over (partition by is_within, status is null, status in ('failed', 'cancelled') order by queue, id) as place
      from (
        select *, (true ${isWithin(sql, job.within)}) is true as is_within
        from (
          select
            ${job.domain}::text as domain, edge.parent_name as queue, parent.job_type, edge.parent_id::text as id,
            case parent.state::text
              when 'created' then 'queued' when 'retry' then 'queued' when 'active' then 'processing' else parent.state::text
            end as status,
            ${counted} as pending
          from ${of}.job as j
          join ${of}.job_dependency as edge on edge.child_name = j.name and edge.child_id = j.id
          left join lateral (
            select j.state, j.blocking, ${sql.unsafe(typeOf(place))} as job_type
            from ${of}.job as j
            where j.name = edge.parent_name and j.id = edge.parent_id
            offset 0
          ) as parent on true
          where j.name = ${queue}::text and j.id = ${id}::text::uuid and j.blocked
            -- A completed job that blocks others is about to release them.
            and (parent.state is null or parent.state <> 'completed' or parent.blocking)
        ) as edges
      ) as scoped
    ) as parents
    where place <= ${mostNeeded}
    order by queue, id`
  const listed = (some: readonly Parent[]) => ({
    count: some.length,
    jobs: some.slice(0, mostNamed).map((parent) => ({
      id: keyText(parent),
      uuid: parent.id,
      domain: job.domain,
      status: parent.status ?? 'missing',
    })),
  })
  const seen = parents.filter(({ is_within }) => is_within)
  const deleted = seen.filter(({ status }) => status === null)
  const ended = seen.filter(({ status }) => status === 'failed' || status === 'cancelled')
  const live = seen.filter((parent) => !deleted.includes(parent) && !ended.includes(parent))
  // A job that had completed before it was deleted has told its children, and is counted no more.
  const there = parents.filter(({ status }) => status !== null).length
  const gone = deleted.some(({ pending }) => pending === null || pending > there) ? deleted : []
  return [
    ...(live.length > 0 ? [{ code: 'waits_for_jobs' as const, facts: listed(live) }] : []),
    ...(ended.length > 0 ? [{ code: 'dependency_ended' as const, facts: listed(ended) }] : []),
    ...(gone.length > 0
      ? [
          {
            code: 'dependency_gone' as const,
            facts: { count: gone.length, jobs: listed(gone).jobs.map(({ uuid, status }) => ({ uuid, status })) },
          },
        ]
      : []),
  ]
}

interface Slot {
  policy: string
  key: string | null
  queue: string
  id: string
  state: string
  /** False for a job outside of the scope of the caller. */
  is_within: boolean
}

/** The job that has the place which the policy of the queue gives to one job at a time. The policy is that of the row. */
async function findSlot(
  sql: Sql,
  { of, queue, id, place }: Native,
  { domain, within }: Within<EngineJob>,
): Promise<Finding[]> {
  const [taken] = await sql<Slot[]>`
    select *, (true ${isWithin(sql, within)}) is true as is_within
    from (
      select waiting.policy, waiting.singleton_key as key, ${domain}::text as domain, other.*
      from ${of}.job as waiting
      cross join lateral (
        select j.name as queue, j.id::text, j.state::text, ${sql.unsafe(typeOf(place))} as job_type
        from ${of}.job as j
        where j.name = waiting.name and j.policy = waiting.policy and j.id <> waiting.id
          and coalesce(j.singleton_key, '') = coalesce(waiting.singleton_key, '')
          and (
            waiting.policy in ('singleton', 'stately') and j.state = 'active'
            or waiting.policy = 'key_strict_fifo' and j.state in ('active', 'retry', 'failed')
          )
        limit 1
      ) as other
      where waiting.name = ${queue}::text and waiting.id = ${id}::text::uuid and waiting.state < 'active'
        and waiting.policy in ('singleton', 'stately', 'key_strict_fifo')
    ) as slot`
  if (!taken) return []
  const { policy, key, state, is_within, ...by } = taken
  return [{ code: 'slot_taken', facts: { policy, key, by: is_within ? keyText(by) : null, state } }]
}

async function findRetention(sql: Sql, { of, queue, id }: Native): Promise<Finding[]> {
  const [row] = await sql<{ since: string }[]>`
    select j.keep_until as since
    from ${of}.job as j
    where j.name = ${queue}::text and j.id = ${id}::text::uuid and j.state < 'active' and j.keep_until < now()`
  return row ? [{ code: 'retention_over', facts: row }] : []
}

/**
 * How many jobs of its queue are taken before a job, as pg-boss takes them: those with a higher priority, then the older ones.
 * @param most where more are before it, one more than this is returned
 */
export async function countAhead(sql: Sql, found: readonly Found[], job: EngineJob, most: number): Promise<number> {
  const native = nativeOf(sql, found, job)
  if (!native) return 0
  const { of, queue, id, place } = native
  const [{ ahead }] = await sql<[{ ahead: number }]>`
    select count(*) as ahead
    from (
      select
      from (select priority, created_on from ${of}.job where name = ${queue}::text and id = ${id}::text::uuid) as mine
      cross join lateral (
        select
        from ${of}.job as j
        where j.name = ${queue}::text and j.state < 'active' ${place.columns.has('blocked') ? sql`and not j.blocked` : sql``}
          and j.start_after <= now()
          and (j.priority > mine.priority or j.priority = mine.priority and j.created_on < mine.created_on)
        ${sql.unsafe(`limit ${most + 1}`)}
      ) as before
    ) as line`
  return ahead
}
