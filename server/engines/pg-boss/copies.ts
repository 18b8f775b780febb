import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { servedBy } from '../served.ts'

/**
 * A job that fails for good has a copy in the dead letter queue, and a redrive makes a new job of that copy. pg-boss lets each of them run. They
 * are told apart here, so that the work is done once: by `source_id`, which a copy has of the job that failed; by `source_root_id`, which from
 * schema 43 on every later one has of the first; and by the archive, in which a redrive of ours keeps the copy.
 */

/** Whether our archive and records can be asked. A server that only looks has neither. */
function hasRecords(sql: Sql): boolean {
  const { mode, places } = servedBy(sql)
  return mode === 'admin' && places.every(({ lacksArchive }) => !lacksArchive)
}

const tableOf = (sql: Sql, { schema }: Found): Fragment => sql.unsafe(`${schema}.job`)

/** States in which the work of a job is done or will be. */
const isAtWork = (sql: Sql, row: string): Fragment =>
  sql.unsafe(`${row}.state in ('created', 'retry', 'active', 'completed')`)

/** Branches of a `case` over `jobs`: why an ended job must not run again, where a copy of it does its work. */
export function whyCopied(sql: Sql, found: Found): Fragment {
  if (!found.columns.has('source_id')) return sql``
  const movedBack = [
    ...(hasRecords(sql) ? [isMovedByRecord(sql)] : []),
    ...(found.columns.has('source_root_id') ? [hasSuccessor(sql, found), hasFirst(sql, found)] : []),
  ]
  return movedBack.reduce(
    (branches, condition) =>
      sql`${branches} when ${condition} then 'its copy was moved back out of the dead letter queue'`,
    sql`when ${hasCopy(sql, found)} then 'a copy of it waits in the dead letter queue'`,
  )
}

/**
 * A copy of the job waits or runs in a dead letter queue. Each of these queues is read on its own: by a list of names that is not constant, PostgreSQL
 * would read the partition of every queue.
 */
function hasCopy(sql: Sql, found: Found): Fragment {
  const queues = sql.unsafe(`${found.schema}.queue`)
  const hasRoot = found.columns.has('source_root_id')
  return sql`(((jobs.queue, ${hasRoot ? sql`coalesce(jobs.native_source_root, jobs.native_id)` : sql`jobs.native_id`}) in (
    select copy.source_name, copy.source
    from (select distinct dead_letter as name from ${queues} as queue where dead_letter is not null) as letters
    cross join lateral (
      select copy.source_name, ${hasRoot ? sql`coalesce(copy.source_root_id, copy.source_id)` : sql`copy.source_id`} as source
      from ${tableOf(sql, found)} as copy
      where copy.name = letters.name and copy.state in ('created', 'retry', 'active')
        and copy.source_id is not null and copy.source_name is not null
      offset 0
    ) as copy
  )) is true)`
}

/** A redrive of ours, which is not undone, has made a new job of a copy of the job. */
const isMovedByRecord = (sql: Sql): Fragment => sql`(((jobs.domain, jobs.queue, jobs.native_id) in (
  select archived.domain, archived.native_source_name, archived.native_source_id
  from jobs_archive as archived
  where archived.operation_id = any(array(select moved.id from job_operations as moved where moved.kind = 'redrive'))
    and archived.native_source_name is not null and archived.native_source_id is not null
)) is true)`

/** A new job that was made of a copy of the job, or of a later one, is at work in the same queue. */
const hasSuccessor = (
  sql: Sql,
  found: Found,
): Fragment => sql`(((jobs.queue, coalesce(jobs.native_source_root, jobs.native_id)) in (
  ${successors(sql, found)}
)) is true)`

/** The jobs that a redrive has made and that are at work, as `(name, source_root_id)`. A copy has a source, too, and waits in another queue. */
const successors = (sql: Sql, found: Found): Fragment => sql`
  select successor.name, successor.source_root_id
  from ${tableOf(sql, found)} as successor
  where successor.source_root_id is not null and successor.source_id is null and ${isAtWork(sql, 'successor')}`

/** The first job of all, of which the job was made, is at work in the same queue. */
const hasFirst = (sql: Sql, found: Found): Fragment => sql`exists (
  select from ${tableOf(sql, found)} as first
  where first.name = jobs.queue and first.id = jobs.native_source_root and first.id <> jobs.native_id and ${isAtWork(sql, 'first')}
  offset 0
)`

/**
 * An SQL expression on `jobs`, a dead letter: why its work must not be done once more; null where its original has failed, or is not there any
 * more. A cancelled original may come back by an undo.
 */
export function whyOriginalCounts(sql: Sql, found: Found): Fragment {
  const ids = found.columns.has('source_root_id')
    ? sql`array[jobs.native_source_id, jobs.native_source_root]`
    : sql`array[jobs.native_source_id]`
  return sql`coalesce(
    (
      select case original.state::text
        when 'completed' then 'its original was retried, and has completed'
        when 'cancelled' then 'its original was retried, and is cancelled'
        else 'its original waits or runs again'
      end
      from ${tableOf(sql, found)} as original
      where original.name = jobs.native_source_name and original.id = any(${ids}) and original.state <> 'failed'
      limit 1
    ),
    case
      when false then null
      ${
        hasRecords(sql)
          ? sql`when exists (
        select from jobs_archive as archived
        where archived.native_id = any(${ids}) and archived.queue = jobs.native_source_name and archived.domain = jobs.domain
          and archived.status <> 'failed'
        offset 0
      ) then 'its original was retried, and was deleted when it had ended'`
          : sql``
      }
      ${
        found.columns.has('source_root_id')
          ? sql`when ((jobs.native_source_name, coalesce(jobs.native_source_root, jobs.native_source_id)) in (
        ${successors(sql, found)}
      )) is true then 'a job that was made of it before waits, runs or has completed'`
          : sql``
      }
    end
  )`
}

/**
 * The keys of copies of an owner's jobs in dead letter queues, and of their copies in turn. pg-boss 12.27 gives a copy no `group_id`. In a server with
 * records the archive has such jobs, too.
 */
export async function readCopiesOfOwner(sql: Sql, found: Found, owner: string, most: number): Promise<string[]> {
  if (!found.columns.has('source_id')) return []
  const columns = sql`id, queue, native_id, owner_user_id, native_source_name, native_source_id`
  const every = hasRecords(sql)
    ? sql`select ${columns} from jobs union all select ${columns} from jobs_archive as jobs`
    : sql`select ${columns} from jobs`
  const rows = await sql<{ id: string }[]>`
    with recursive
    every as not materialized (${every}),
    copies as materialized (
      select id, queue, native_id, owner_user_id, native_source_name, native_source_id from every where native_source_id is not null
    ),
    family (id, queue, native_id, has_owner) as (
      select id, queue, native_id, true from every where owner_user_id = ${owner}::text
      union
      select copies.id, copies.queue, copies.native_id, copies.owner_user_id is not distinct from ${owner}::text
      from family
      join copies on copies.native_source_name = family.queue and copies.native_source_id = family.native_id
      where copies.owner_user_id is null or copies.owner_user_id = ${owner}::text
    )
    select distinct id from family where not has_owner ${sql.unsafe(`limit ${most + 1}`)}`
  return rows.map(({ id }) => id)
}
