import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { isQueueWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import type { EngineMoves } from '../writes.ts'
import { whyOriginalCounts } from './copies.ts'
import { imageOf } from './image.ts'
import { placeOfKey } from './place.ts'
import { keyOf } from './projection.ts'

/**
 * How dead letters of pg-boss move back, as its `redrive()` moves them: a new job with an id of its own and the settings that its queue has
 * now, and the dead letter is deleted. What it would drop or fail for want of a place stays here as it is.
 */
export const moves: EngineMoves = {
  isKept: ({ columns }) => columns.has('source_name') && columns.has('source_id'),
  isDeadLetter,
  whyNot,
  place(sql, found) {
    const wanted = sql`(
      select array[queue.name, coalesce(jobs.batch_group, '')]
      from ${queuesOf(sql, found)} as queue
      where queue.name = jobs.native_source_name and queue.policy in ('exclusive', 'stately', 'short')
    )`
    return { wanted, compared: wanted, had: placeOfKey(sql) }
  },
  source: (sql) => ({ queue: sql`jobs.native_source_name`, id: sql`jobs.native_source_id` }),
  originals: (sql, found) => sql`
    select j.name as queue, j.id as native_id
    from ${tableOf(sql, found)} as j
    join chosen on j.name = chosen.to_queue and j.id = chosen.original
    where j.name = any(array(select to_queue from chosen)) and j.id = any(array(select original from chosen)) and j.state = 'failed'
    for update of j skip locked`,
  originalStays: (sql, found) => sql`(
    (chosen.to_queue, chosen.original) in (select queue, native_id from originals)
    or not exists (
      select from ${tableOf(sql, found)} as original
      where original.name = chosen.to_queue and original.id = chosen.original offset 0
    )
  ) is true`,
  // Arrays, as where rows are picked: else the planner may read whole partitions.
  isMoved: `jobs.queue = chosen.after ->> 'queue' and jobs.native_id = (chosen.after ->> 'native_id')::uuid
    and jobs.queue = any(array(select after ->> 'queue' from chosen))
    and jobs.native_id = any(array(select (after ->> 'native_id')::uuid from chosen))`,
  insert,
}

const tableOf = (sql: Sql, { schema }: Found): Fragment => sql.unsafe(`${schema}.job`)
const queuesOf = (sql: Sql, { schema }: Found): Fragment => sql.unsafe(`${schema}.queue`)

/** The job came from another queue, or waits in a queue that another one names as its dead letter queue. */
function isDeadLetter(sql: Sql, found: Found): Fragment {
  return sql`(
    jobs.native_source_name is not null
    or jobs.queue = any(array(select queue.dead_letter from ${queuesOf(sql, found)} as queue where queue.dead_letter is not null))
  )`
}

function whyNot(sql: Sql, found: Found, within: TokenScope | undefined): Fragment {
  const queues = queuesOf(sql, found)
  return sql`case
    when jobs.native_source_name is null then 'it names no queue that it came from'
    when not exists (select from ${queues} as queue where queue.name = jobs.native_source_name) then 'the queue that it came from was deleted'
    when not exists (
      select from (select jobs.domain, jobs.native_source_name as queue) as target where true ${isQueueWithin(sql, within, sql`target`)}
    ) then 'the queue that it came from lies outside of the scope of the caller'
    when ${waitsBehind(sql, found)} then 'an earlier job with its key has its place in the dead letter queue'
    when ${isPlaceTaken(sql, found)} then 'another job has its place in the queue'
    else ${whyOriginalCounts(sql, found)}
  end`
}

/** In a dead letter queue of this policy a job waits behind the one that holds its key, and pg-boss leaves it there, too. */
const waitsBehind = (sql: Sql, found: Found): Fragment => sql`(
  jobs.native_policy = 'key_strict_fifo' and exists (
    select from ${tableOf(sql, found)} as holder
    where holder.name = jobs.queue and holder.singleton_key = jobs.batch_group and holder.policy = 'key_strict_fifo'
      and holder.state in ('active', 'retry', 'failed')
    offset 0
  )
)`

/** Another job has the place that the policy of the queue gives to one job with this key, so that a unique index would refuse the new one. */
const isPlaceTaken = (sql: Sql, found: Found): Fragment => sql`exists (
  select
  from ${queuesOf(sql, found)} as queue
  where queue.name = jobs.native_source_name and queue.policy in ('exclusive', 'stately', 'short') and exists (
    select from ${tableOf(sql, found)} as other
    where other.name = jobs.native_source_name and coalesce(other.singleton_key, '') = coalesce(jobs.batch_group, '')
      and other.policy = queue.policy
      and (other.state = 'created' or queue.policy = 'exclusive' and other.state <= 'active')
    offset 0
  )
)`

/**
 * The columns of a new job, in the versions that have them. Schema 37 alone gives it no dead letter queue, so that it would never come back
 * there; every later one does, and so does \`send()\`.
 */
function insert(sql: Sql, found: Found): Fragment {
  const { columns, schema } = found
  const values: Record<string, string> = {
    id: 'picked.moved_id',
    name: 'm.source_name',
    data: 'm.data',
    priority: 'm.priority',
    retry_limit: 'q.retry_limit',
    retry_backoff: 'q.retry_backoff',
    retry_delay: 'q.retry_delay',
    retry_delay_max: 'q.retry_delay_max',
    expire_seconds: 'q.expire_seconds',
    keep_until: `now() + q.retention_seconds * interval '1 second'`,
    deletion_seconds: 'q.deletion_seconds',
    policy: 'q.policy',
    singleton_key: 'm.singleton_key',
    group_id: 'm.group_id',
    group_tier: 'm.group_tier',
    heartbeat_seconds: 'q.heartbeat_seconds',
    dead_letter: 'q.dead_letter',
    source_root_id: 'coalesce(m.source_root_id, m.source_id)',
    trace_context: 'm.trace_context',
  }
  const given = Object.entries(values).filter(([name]) => columns.has(name))
  return sql`
    insert into ${tableOf(sql, found)} as j (${sql.unsafe(given.map(([name]) => name).join(', '))})
    select ${sql.unsafe(given.map(([, value]) => value).join(', '))}
    from picked
    join ${tableOf(sql, found)} as m on m.name = picked.queue and m.id = picked.native_id
      and m.name = any(array(select queue from picked)) and m.id = any(array(select native_id from picked))
    join ${queuesOf(sql, found)} as q on q.name = m.source_name
    where (select pg_catalog.max(version) from ${sql.unsafe(schema)}.version) = ${sql.unsafe(String(found.version))}
    order by m.created_on, m.id
    on conflict do nothing
    returning j.id as moved_id, ${sql.unsafe(keyOf('j'))} as moved_to, ${sql.unsafe(imageOf('j', columns))} as after`
}
