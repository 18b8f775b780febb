import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { quotedText } from '../parts/sql-text.ts'
import type { EngineAct, EngineWrites } from '../writes.ts'
import { bringAlong, lockQueues } from './along.ts'
import { along, archiveTable, readColumns } from './archive.ts'
import { erased } from './erased.ts'
import { comparable, imageColumns, imageOf, short } from './image.ts'
import { columnsOf, nowMs } from './projection.ts'
import { awaitsChild, endsSchedule, isNeeded, isNotTaken, obstacleOf, refusalOf, whyNoPrune } from './refusals.ts'

/**
 * How jobs of BullMQ are changed: as its own functions do, which are not called, because they take jobs that a worker has taken in the meantime.
 * A job with a lock is taken by no change but a cancel of running jobs.
 */
export const writes: EngineWrites = {
  table: tableOf,
  guard: ({ schema, version }) => `(select pg_catalog.max(version) from ${schema}.migration) = ${version}`,
  isPicked: 'j.ctid = picked.tid',
  hasTid: true,
  isAmongPicked: 'j.ctid = any(array(select tid from picked))',
  isOfImage: (image) => `(jobs.queue = ${image} ->> 'queue' and jobs.native_id = ${image} ->> 'native_id')`,
  image: ({ schema }) => imageOf('j', schema),
  stateOf: (image) => `${image} ->> 'state'`,
  running: 'active',
  comparable,
  carried: short,
  deletedQueue: 'queue',
  along: bringAlong,
  assignments,
  refusal: refusalOf,
  mayRetry: (sql, found) => sql`(${refusalOf(sql, found, 'retry')}) is null`,
  whyNoRetry: (sql, found) => refusalOf(sql, found, 'retry'),
  mayDelete: (sql, found, by) =>
    sql.unsafe(
      `(not jobs.native_locked and not ${isNeeded(found)} ${by === 'erase' ? `and not ${endsSchedule(found)}` : ''})`,
    ),
  whyNoPrune,
  referred: { columns: { queue: 'queue', id: 'native_id' }, along: ['job_log', 'job_dependency'] },
  erased,
  restored,
  revived,
  beforeRevival: lockQueues,
  revivedAlong,
  whyNotInserted: 'its id is taken',
  obstacle: obstacleOf,
  failsLater: isNotTaken,
  archived: (found, schema) => `(select j.ctid, ${columnsOf(found)}, j.operation_id, j.archived_at,
    null::bytea as payload_compressed, null::bytea as result_compressed, null::jsonb as job_attachments, null::jsonb as job_dependencies
    from ${schema}.${archiveTable} j where j.job_schema = ${quotedText(found.schemaName)})`,
  archivedColumns: async (sql, { schema }) => [
    ...(await readColumns(sql, schema)).map(({ name }) => ({ name, value: `deleted.${name}` })),
    {
      name: along.logs,
      value: `(
        select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('idx', l.idx, 'row', l.row) order by l.idx)
        from ${schema}.job_log l where l.queue = deleted.queue and l.job_id = deleted.id
      )`,
    },
    {
      name: along.edges,
      value: `(
        select pg_catalog.jsonb_agg(pg_catalog.to_jsonb(e) order by e.child_key)
        from ${schema}.job_dependency e where e.parent_queue = deleted.queue and e.parent_id = deleted.id
      )`,
    },
  ],
  archivedBy: {
    isChosen: 'archived.queue = chosen.queue and archived.id = chosen.native_id',
    order: 'queue, native_id',
    isFrom: (sql, { queue, id }) => sql`(jobs.queue, jobs.native_id) >= (${queue}::text, ${id}::text)`,
    columns: 'queue, id',
    inserted: 'queue, id',
  },
}

function tableOf({ schema }: Pick<Found, 'schema'>): string {
  return `${schema}.job`
}

/** The assignments that BullMQ makes itself: `retryJobs`, `promote`, `changeDelay`, `changePriority`, and a failure without another try. */
function assignments(sql: Sql, { schema }: Found, act: EngineAct): Fragment {
  const now = sql.unsafe(nowMs)
  const next = sql.unsafe(`nextval('${schema.replaceAll("'", "''")}.job_seq')`)
  const state = (value: Fragment) => sql`state = (${value})::${sql.unsafe(schema)}.job_state`
  switch (act.act) {
    case 'retry': {
      const spread = act.spread_seconds
      const awaits = sql.unsafe(awaitsChild(schema))
      const later = sql`${now} + (random() * ${spread ?? 0}::int * 1000)::bigint`
      const isLater = spread === undefined ? sql`false` : sql`not ${awaits}`
      return sql`
        ${state(sql`case when ${awaits} then 'waiting-children' when ${isLater} then 'delayed' else 'waiting' end`)},
        seq = ${next}, process_at_ms = case when ${isLater} then ${later} end,
        delay_ms = case when ${isLater} then ${spread ?? 0}::bigint * 1000 else 0 end,
        processed_at_ms = case when j.state = 'failed' then null else j.processed_at_ms end, finished_at_ms = null,
        return_value = null, failed_reason = case when j.state = 'failed' then null else j.failed_reason end,
        stacktrace = case when j.state = 'failed' then null else j.stacktrace end,
        attempts_made = case when j.state = 'failed' then 0 else j.attempts_made end,
        attempts_started = case when j.state = 'failed' then 0 else j.attempts_started end,
        -- A job that was cancelled before a worker has failed it for this reason has it still, and would fail again without running.
        deferred_failure = case when j.state = 'failed' then null else j.deferred_failure end,
        lock_token = null, locked_until_ms = null`
    }
    case 'cancel':
      return sql`
        ${state(sql`'failed'`)}, failed_reason = ${`cancelled by ${act.by}`}::text, finished_at_ms = ${now}, lock_token = null,
        locked_until_ms = null`
    case 'reschedule': {
      const at = sql`floor(extract(epoch from least(picked.due, '9999-12-31 00:00Z'::timestamptz)) * 1000)::bigint`
      const isLater = sql`picked.due > now()`
      return sql`
        ${state(sql`case when ${isLater} then 'delayed' else 'waiting' end`)},
        seq = case when j.state = 'delayed' and not (${isLater}) then ${next} else j.seq end,
        process_at_ms = case when ${isLater} then ${at} end,
        delay_ms = case when ${isLater} then greatest(${at} - ${now}, 0) else 0 end`
    }
    case 'priority':
      return sql`priority = ${act.priority}::int, seq = case when j.state = 'waiting' then ${next} else j.seq end`
  }
}

function restored(sql: Sql, found: Found): Fragment {
  const names = imageColumns.join(', ')
  const values = imageColumns.map((name) => `was.${name}`).join(', ')
  return sql.unsafe(`(${names}) = (
    select ${values} from jsonb_populate_record(null::${tableOf(found)}, picked.before) as was
  )`)
}

async function revived(sql: Sql, { schema }: Found) {
  const columns = await readColumns(sql, schema)
  const values = columns.map(({ name }) => (name === 'state' ? `picked.state::${schema}.job_state` : `picked.${name}`))
  return { names: sql.unsafe(columns.map(({ name }) => name).join(', ')), values: sql.unsafe(values.join(', ')) }
}

/** CTEs that put back the logs and the edges of the rows of `picked` whose `jobsctl_key` is in `back`. */
function revivedAlong(sql: Sql, { schema }: Found): Fragment {
  const of = sql.unsafe(schema)
  // IN alone is a join, by nested loops where the planner expects one row.
  const isBack = sql`(picked.jobsctl_key in (select jobsctl_key from back)) is true`
  return sql`,
    logs as (
      insert into ${of}.job_log (queue, job_id, idx, row)
      select picked.queue, picked.id, line.idx, line.row
      from picked
      cross join lateral jsonb_to_recordset(picked.${sql(along.logs)}) as line (idx bigint, row text)
      where picked.${sql(along.logs)} is not null and ${isBack}
      on conflict do nothing
    ),
    edges as (
      insert into ${of}.job_dependency (parent_queue, parent_id, child_queue, child_id, child_key, status, value)
      select
        picked.queue, picked.id, edge.child_queue, edge.child_id, edge.child_key,
        case when child.told then 'processed' else edge.status::${of}.dep_status end,
        case when child.told then child.return_value else edge.value end
      from picked
      cross join lateral jsonb_to_recordset(picked.${sql(along.edges)})
        as edge (child_queue text, child_id text, child_key text, status text, value jsonb)
      -- A child that has completed since tells its parent now: a retry would have the parent wait for it for ever.
      left join lateral (
        select true as told, c.return_value
        from ${of}.job as c
        where c.queue = edge.child_queue and c.id = edge.child_id and c.state = 'completed' and edge.status = 'failed'
        offset 0
      ) as child on true
      where picked.${sql(along.edges)} is not null and ${isBack}
      on conflict do nothing
    )`
}
