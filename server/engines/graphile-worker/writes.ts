import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { quotedText } from '../parts/sql-text.ts'
import type { ActWithUndo, ChangedJobs, EngineAct, EngineWrites } from '../writes.ts'
import { archivedColumns, archiveTable, readJobColumns } from './archive.ts'
import { repair } from './gone-workers.ts'
import { columnsOfArchive, imageOf, noQueue, queuesIn } from './projection.ts'

/**
 * How jobs of graphile-worker are changed: by its own functions. These take a job that was locked more than four hours ago, although its worker may
 * still run it. So every job is locked as a row first, and is passed over where a worker has it.
 */
export const writes: EngineWrites = {
  table: tableOf,
  guard: ({ schema, version }) => `(select pg_catalog.max(id) from ${schema}.migrations) = ${version}`,
  isPicked: 'j.id = picked.native_id and j.locked_at is null',
  isOfImage: (image) => `(jobs.native_id = (${image} ->> 'native_id')::bigint and jobs.queue = ${image} ->> 'queue')`,
  image: () => imageOf('j', 'picked.queue'),
  stateOf: (image) => `${image} ->> 'state'`,
  running: 'processing',
  comparable: (image) => image,
  along: giveBytesBack,
  alongOnly: 'undo',
  endedAs: 'failed',
  mayChange: isFree,
  calls: { change, remove, isRemoved: 'removed.id = picked.native_id', restore },
  mayRetry: isFree,
  whyNoRetry: (sql) => sql`case when jobs.native_locked_at is not null then 'a worker has it' end`,
  mayDelete: isFree,
  referred: { columns: { id: 'native_id', key: 'idempotency_key' } },
  repair,
  revived,
  whyNotInserted: 'its id or its job key was taken in the meantime',
  obstacle,
  failsLater: (sql, found) => sql`((${whyNeverRuns(sql, found)}) is not null)`,
  archived: (found, schema) => `(select j.ctid, ${columnsOfArchive(found)}, j.operation_id, j.archived_at,
    null::bytea as payload_compressed, null::bytea as result_compressed, null::jsonb as job_attachments, null::jsonb as job_dependencies
    from ${schema}.${archiveTable} j where j.job_schema = ${quotedText(found.schemaName)})`,
  archivedColumns,
  archivedBy: {
    isChosen: 'archived.id = chosen.native_id',
    order: 'native_id',
    isFrom: (sql, { id }) => sql`jobs.native_id >= ${id}::text::bigint`,
    columns: 'id',
    inserted: 'id',
  },
}

function tableOf({ schema }: Pick<Found, 'schema'>): string {
  return `${schema}._private_jobs`
}

function isFree(sql: Sql): Fragment {
  return sql`jobs.native_locked_at is null`
}

/** An SQL expression: the ids that a function is called with; none where the tables were migrated in the meantime. */
const idsWith = (sql: Sql, found: Found, id: string): Fragment =>
  sql.unsafe(`case when ${writes.guard(found)} then array[${id}] else '{}' end`)

function change(sql: Sql, found: Found, act: EngineAct, operation: number): Fragment {
  const of = sql.unsafe(found.schema)
  const ids = idsWith(sql, found, 'picked.native_id')
  return sql`
    select picked.*, ${sql.unsafe(imageOf('j', 'picked.queue'))} as after
    from picked
    cross join lateral ${call(sql, of, { act, ids, operation })} as j`
}

interface Call {
  act: EngineAct
  ids: Fragment
  operation: number
}

/** A call of the function that makes a change, over a row of `picked`. */
function call(sql: Sql, of: Fragment, { act, ids, operation }: Call): Fragment {
  switch (act.act) {
    case 'retry': {
      const spread = act.spread_seconds ?? 0
      // A job that waits for its next attempt keeps its count; a dead one begins again.
      return sql`${of}.reschedule_jobs(
        ${ids}, run_at => now() + random() * ${spread}::int * interval '1 second',
        attempts => case picked.status when 'failed' then 0 end
      )`
    }
    case 'cancel':
      return sql`${of}.permanently_fail_jobs(${ids}, ${`failed by operation ${operation} of jobs-server`}::text)`
    case 'reschedule':
      return sql`${of}.reschedule_jobs(${ids}, run_at => picked.due)`
    case 'priority':
      return sql`${of}.reschedule_jobs(${ids}, priority => ${act.priority}::int)`
  }
}

/** The names of queues and tasks are hashed once: a subselect for each job takes a fifth of the time of its deletion. */
function remove(sql: Sql, found: Found): Fragment {
  const of = sql.unsafe(found.schema)
  return sql`
    select j.*, coalesce(queues.queue, ${noQueue}::text) as archived_queue, coalesce(task.identifier, '') as archived_task
    from ${of}.complete_jobs(array(select native_id from picked where ${sql.unsafe(writes.guard(found))})) as j
    left join ${sql.unsafe(queuesIn(found.schema))} as queues on queues.id = j.job_queue_id
    left join ${of}._private_tasks as task on task.id = j.task_id`
}

/**
 * Two functions give a job back: one sets its error, and makes it dead, the other sets the rest. No function makes an error null again: where
 * there was none it is empty until `giveBytesBack`.
 */
function restore(sql: Sql, found: Found): Fragment {
  const of = sql.unsafe(found.schema)
  const was = (name: string, type: string) => sql.unsafe(`(picked.before ->> '${name}')::${type}`)
  return sql`
    select picked.*
    from picked
    join ${sql.unsafe(tableOf(found))} as live on live.id = picked.native_id
    left join lateral ${of}.permanently_fail_jobs(
      case when live.last_error is distinct from picked.before ->> 'last_error' then ${idsWith(sql, found, 'picked.native_id')} else '{}' end,
      coalesce(picked.before ->> 'last_error', '')
    ) as failed on true
    cross join lateral ${of}.reschedule_jobs(
      ${idsWith(sql, found, 'coalesce(failed.id, picked.native_id)')}, run_at => ${was('run_at', 'timestamptz')},
      priority => ${was('priority', 'int')}, attempts => ${was('attempts', 'int')}, max_attempts => ${was('max_attempts', 'int')}
    ) as j`
}

/**
 * Sets what no function of graphile-worker gives back: an error that was null, and the time of the last change, by which a dead job is as old as it
 * was. The rows are locked by the statement before.
 */
async function giveBytesBack(sql: Sql, found: Found, _: ActWithUndo, changed: ChangedJobs): Promise<void> {
  await sql`
    update ${sql.unsafe(tableOf(found))} as j
    set last_error = one -> 'before' ->> 'last_error', updated_at = (one -> 'before' ->> 'updated_at')::timestamptz
    from jsonb_array_elements(${changed}::text::jsonb) as one
    where j.id = (one ->> 'native_id')::bigint and j.locked_at is null and ${sql.unsafe(writes.guard(found))}
      and coalesce(j.last_error, '') = coalesce(one -> 'before' ->> 'last_error', '')`
}

async function revived(sql: Sql, found: Found) {
  const columns = (await readJobColumns(sql, found)).filter(({ generated }) => !generated)
  const list = (prefix: string) => sql.unsafe(columns.map(({ name }) => `${prefix}${name}`).join(', '))
  return { names: list(''), values: list('picked.') }
}

/** A job whose task or queue is gone would never run: graphile-worker deletes those without jobs where its user has it clean up. */
function whyNeverRuns(sql: Sql, found: Found): Fragment {
  const of = sql.unsafe(found.schema)
  // The tasks and the queues are hashed once.
  return sql`case
    when jobs.native_task_id not in (select task.id from ${of}._private_tasks as task) then 'graphile-worker has cleaned up its task'
    when jobs.native_queue_id is not null and jobs.native_queue_id not in (select queue.id from ${of}._private_job_queues as queue)
      then 'graphile-worker has cleaned up its queue'
  end`
}

function obstacle(sql: Sql, found: Found): Fragment {
  const of = sql.unsafe(found.schema)
  return sql`coalesce(${whyNeverRuns(sql, found)}, case
    when exists (select from ${of}._private_jobs as live where live.id = jobs.native_id) then 'its id is taken'
    when jobs.idempotency_key is not null
      and exists (select from ${of}._private_jobs as live where live.key = jobs.idempotency_key)
      then 'its job key was used again'
  end)`
}
