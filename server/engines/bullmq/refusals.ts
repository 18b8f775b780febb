import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import type { EngineAct } from '../writes.ts'
import { rivalOf } from './image.ts'

/** A query of the edges to the children of a row of `jobs`, without the parenthesis at its end. */
const edgesOf = (schema: string): string =>
  `(select from ${schema}.job_dependency e where e.parent_queue = jobs.queue and e.parent_id = jobs.native_id`

/** An SQL condition on `jobs`: its parent is there, has not ended, and waits for it. */
const isAwaited = (schema: string): string => `(jobs.native_parent_id is not null and exists (
  select from ${schema}.job_dependency e
  join ${schema}.job parent on parent.queue = e.parent_queue and parent.id = e.parent_id
  where e.parent_queue = jobs.native_parent_queue and e.parent_id = jobs.native_parent_id
    and e.child_key = jobs.queue || ':' || jobs.native_id and e.status = 'pending' and parent.state not in ('completed', 'failed')
))`

/** An SQL condition on `jobs`: a child of its flow has not ended. */
const awaitsOwnChild = (schema: string): string => `exists ${edgesOf(schema)} and e.status = 'pending')`

/** An SQL condition on `jobs`: the parent of its flow has not ended. */
const isOfLiveParent = (schema: string): string => `(jobs.native_parent_id is not null and exists (
  select from ${schema}.job parent
  join ${schema}.job_dependency e on e.parent_queue = parent.queue and e.parent_id = parent.id
    and e.child_key = jobs.queue || ':' || jobs.native_id
  where parent.queue = jobs.native_parent_queue and parent.id = jobs.native_parent_id and parent.state not in ('completed', 'failed')
))`

/** An SQL condition on `jobs`: a flow needs the job, as a parent of running children, or as a child of a parent that has not ended. */
export const isNeeded = ({ schema }: Pick<Found, 'schema'>): string =>
  `(${awaitsOwnChild(schema)} or ${isOfLiveParent(schema)})`

/** An SQL expression on `jobs`: why a prune leaves an ended job; null where it does not. */
export const whyNoPrune = (sql: Sql, { schema }: Found): Fragment =>
  sql.unsafe(`case
    when jobs.native_locked then 'a worker has its lock'
    when ${awaitsOwnChild(schema)} then 'a child of its flow has not ended'
    when ${isOfLiveParent(schema)} then 'the parent of its flow needs it'
  end`)

/**
 * An SQL condition on `jobs`: it is the next job of a scheduler, which makes no other without it. A job of a scheduler that was removed, or one that
 * ran before and waits again, is as any other.
 */
export const endsSchedule = ({ schema }: Pick<Found, 'schema'>): string => `(
  jobs.native_scheduler is not null and jobs.native_state in ('waiting', 'delayed') and exists (
    select from ${schema}.scheduler s
    where s.queue = jobs.queue and s.scheduler_id = jobs.native_scheduler
      and jobs.native_id = 'repeat:' || s.scheduler_id || ':' || s.next_run_ms
))`

/**
 * An SQL condition on `jobs`: the parent of its flow has gone on without it, and waits for another child. When a child completes, BullMQ takes one from
 * the number of children that the parent waits for, whether or not the child is among them.
 */
const isNotCounted = (schema: string): string => `(jobs.native_parent_id is not null and exists (
  select
  from ${schema}.job parent
  join ${schema}.job_dependency e on e.parent_queue = parent.queue and e.parent_id = parent.id and e.status in ('pending', 'failed')
  where parent.queue = jobs.native_parent_queue and parent.id = jobs.native_parent_id and parent.state <> 'completed'
) and not exists (
  select from ${schema}.job_dependency e
  where e.parent_queue = jobs.native_parent_queue and e.parent_id = jobs.native_parent_id
    and e.child_key = jobs.queue || ':' || jobs.native_id and e.status in ('pending', 'failed')
))`

/** An SQL expression over `jobs`: a child of its flow that has not completed is gone, so that the parent would fail again. */
const hasGoneChild = (
  schema: string,
): string => `exists ${edgesOf(schema)} and e.status in ('pending', 'failed') and not exists (
    select from ${schema}.job child where child.queue = e.child_queue and child.id = e.child_id
  ))`

/** An SQL condition on a row `j` of `job`: a child of its flow is there, and has not completed. */
export const awaitsChild = (schema: string): string => `exists (
  select from ${schema}.job_dependency e where e.parent_queue = j.queue and e.parent_id = j.id and e.status in ('pending', 'failed')
)`

/** An SQL expression on `jobs`: why BullMQ would not make such a change, or lose a job by it. Null where the job may be changed. */
export function refusalOf(sql: Sql, { schema }: Found, act: EngineAct['act']): Fragment {
  const branches = [
    `when jobs.native_locked and jobs.native_state <> 'active' then 'a worker has its lock'`,
    ...refusals[act](schema),
  ]
  return sql.unsafe(`case ${branches.join(' ')} end`)
}

const refusals: Record<EngineAct['act'], (schema: string) => string[]> = {
  retry: (schema) => [
    `when jobs.native_state = 'waiting-children' then 'it waits for the children of its flow'`,
    `when jobs.native_state = 'failed' and ${hasGoneChild(schema)} then 'a child of its flow that has not completed is gone'`,
    `when jobs.native_state = 'failed' and ${isNotCounted(schema)}
      then 'the parent of its flow has gone on without it, and would run before its other children'`,
    `when jobs.native_state = 'failed' and (${rivalOf(inJobs, schema)}) is not null then 'another job with its deduplication id waits or runs'`,
  ],
  cancel: (schema) => [
    `when ${endsSchedule({ schema })}
      then 'a scheduler has made it, and makes no other without it: remove the scheduler in your application'`,
    `when jobs.native_state = 'waiting-children' then 'it waits for the children of its flow, which would go on'`,
    `when ${isAwaited(schema)} then 'the parent of its flow waits for it, and would wait for ever'`,
    `when jobs.native_dedup is not null and exists (
      select from ${schema}.dedup_next n where n.queue = jobs.queue and n.dedup_id = jobs.native_dedup
    ) then 'another job with its deduplication id begins when it ends'`,
  ],
  reschedule: () => [
    `when jobs.native_state = 'waiting-children' then 'it waits for the children of its flow, not for a time'`,
  ],
  priority: () => [],
}

/** The row of `jobs` as one with a deduplication id. */
const inJobs = { queue: `jobs.queue`, id: `jobs.native_id`, dedup: `jobs.native_dedup` }

/** What the sequence of the ids of a queue is named before the md5 of the queue. */
const sequencePrefix = 'bullmq_jid_'

/**
 * An SQL expression of type jsonb: the oids of all sequences of a schema by the md5 of their queues, null where the role may not read one. PostgreSQL
 * makes it once for a statement: to look up the sequence of each job by its name takes as long as to read its row. It reads no sequence, since it
 * would keep a lock on each until the end of the transaction.
 */
const sequences = (schema: string): string => `(
  select pg_catalog.jsonb_object_agg(
    pg_catalog.substr(relname, ${sequencePrefix.length + 1}),
    case when pg_catalog.has_sequence_privilege(oid, 'select') then oid::bigint end
  )
  from pg_catalog.pg_class
  where relnamespace = '${schema.replaceAll("'", "''")}'::regnamespace and relkind = 'S' and relname ^@ '${sequencePrefix}'
)`

/**
 * An SQL expression on `jobs`, a row of the archive: why BullMQ would not take the job back although its id is free. An id that the queue counts may
 * come again where its sequence is gone or behind: the next job with it would be taken for the one that is there, and vanish.
 */
const whyNotTaken = (schema: string): string => `case
    when jobs.native_id ~ '^[0-9]{1,18}$' then (
      select case
        when sequence = 'null' then 'the role of the server may not read the sequence of the ids of its queue'
        when sequence is null or coalesce(pg_catalog.pg_sequence_last_value(sequence::bigint::oid), 0) < jobs.native_id::bigint
          then 'its queue has begun anew, and would give its id to another job'
      end
      from (select ${sequences(schema)} -> pg_catalog.md5(${inJobs.queue}) as sequence offset 0) as counted
    )
    when jobs.native_parent_id is not null and ${isAwaited(schema)} then 'the parent of its flow has begun anew'
  end`

/** An SQL condition on `jobs`, a row of the archive: BullMQ would not take the job back although its id is free. */
export const isNotTaken = (sql: Sql, { schema }: Found): Fragment =>
  sql.unsafe(`((${whyNotTaken(schema)}) is not null)`)

/** An SQL expression on `jobs`, a row of the archive: why BullMQ would not take the job back. */
export const obstacleOf = (sql: Sql, { schema }: Found): Fragment =>
  sql.unsafe(`case
    when exists (select from ${schema}.job live where live.queue = jobs.queue and live.id = jobs.native_id) then 'its id is taken'
    else ${whyNotTaken(schema)}
  end`)
