import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { boundedTime, quotedText } from '../parts/sql-text.ts'
import type { EngineAct, EngineWrites } from '../writes.ts'
import { archiveTable, readColumns } from './archive.ts'
import { whyCopied } from './copies.ts'
import { comparable, imageColumns, imageOf } from './image.ts'
import { moves } from './moves.ts'
import { isPlaceTaken, placesOfRetry, stateOfRetry } from './place.ts'
import { archivedColumnsOf } from './projection.ts'

const whyNotInserted = 'its place is taken: the queue has another job with its key, or in its time slot'

/** How jobs of pg-boss are changed: as its own `retry`, `cancel` and `deleteJob` do, but for the times at which it deletes jobs. */
export const writes: EngineWrites = {
  table: tableOf,
  guard: ({ schema, version }) => `(select pg_catalog.max(version) from ${schema}.version) = ${version}`,
  // The key is (name, id). Arrays keep the planner from reading a whole partition to join it. PostgreSQL compares all names of the array to
  // find the partitions of each row, so that each name is there once.
  isPicked: `j.name = picked.queue and j.id = picked.native_id
    and j.name = any(array(select distinct queue from picked)) and j.id = any(array(select native_id from picked))`,
  hasTid: true,
  // A partition may have another row with the same tid. The rows are hashed, where a join would compare each with each.
  isAmongPicked: `j.ctid = any(array(select tid from picked)) and ((j.name, j.id) in (select queue, native_id from picked)) is true`,
  isOfImage: (image) => `(jobs.queue = ${image} ->> 'queue' and jobs.native_id = (${image} ->> 'native_id')::uuid)`,
  image: ({ columns }) => imageOf('j', columns),
  stateOf: (image) => `${image} ->> 'state'`,
  running: 'active',
  comparable,
  assignments,
  mayRetry,
  whyNoRetry,
  placesOfRetry,
  moves,
  endedBefore,
  // Once a job is gone, pg-boss deletes its rows of job_dependency: after an undo, nothing would release one that waits for another.
  mayDelete: (sql, _found, by) =>
    by === 'erase' ? sql`jobs.native_blocking is not true` : sql`(${whyNoPrune(sql)}) is null`,
  whyNoPrune,
  referred: { columns: { name: 'queue', id: 'native_id' } },
  restored,
  revived,
  whyNotInserted,
  obstacle,
  whyNoPlace: (sql, found, image) => sql`case
    when ${isPlaceTaken(sql, found, sql.unsafe(`(${image} ->> 'state')`), true)} then 'another job has its place in the queue'
  end`,
  failsLater: (sql, found) =>
    sql`(${isGone(sql, found, sql`jobs.queue`)} or ${isGone(sql, found, sql`jobs.native_dead_letter`)})`,
  archived: (found, schema) => `(select j.ctid, ${archivedColumnsOf(found)}, j.operation_id, j.archived_at,
    null::bytea as payload_compressed, null::bytea as result_compressed, null::jsonb as job_attachments, null::jsonb as job_dependencies
    from ${schema}.${archiveTable} j where j.job_schema = ${quotedText(found.schemaName)})`,
  archivedColumns: async (sql, { schema }) =>
    (await readColumns(sql, schema)).map(({ name }) => ({ name, value: name })),
  archivedBy: {
    isChosen: 'archived.name = chosen.queue and archived.id = chosen.native_id',
    order: 'queue, native_id',
    isFrom: (sql, { queue, id }) => sql`(jobs.queue, jobs.native_id) >= (${queue}::text, ${id}::text::uuid)`,
    columns: 'name, id',
    inserted: 'name, id',
  },
}

function whyNoPrune(sql: Sql): Fragment {
  return sql`case
    when jobs.native_blocking then 'another job waits for it'
    when jobs.native_blocked then 'it still waits for another job'
  end`
}

/** Both indexes begin with the queue, and one of them has the ended jobs alone. pg-boss ends no job without the time. */
function endedBefore(sql: Sql, { schema, indexes }: Found, time: Fragment): Fragment | undefined {
  if (!indexes.has('i15') || !indexes.has('i16')) return undefined
  return sql`
    jobs.queue = any(array(select name from ${sql.unsafe(schema)}.queue as queue))
    and (jobs.native_ended < ${time} or (jobs.native_ended is null and jobs.created_at < ${time}))`
}

function tableOf({ schema }: Pick<Found, 'schema'>): string {
  return `${schema}.job`
}

/** An SQL expression of type interval: for how long pg-boss keeps the waiting job of a row from the time when it could run. */
const termOf = (sql: Sql, row: string): Fragment =>
  sql.unsafe(`greatest(interval '0', ${boundedTime(`${row}.keep_until`)} - ${boundedTime(`${row}.start_after`)})`)

/** The assignments that pg-boss makes itself. A job that is put back may be past `keep_until`, and would be deleted before it ran. */
function assignments(sql: Sql, found: Found, act: EngineAct): Fragment {
  switch (act.act) {
    case 'retry':
      return sql`
        state = (case j.state when 'cancelled' then 'created' else 'retry' end)::${sql.unsafe(found.schema)}.job_state,
        retry_limit = j.retry_limit + case j.state when 'cancelled' then 0 else 1 end, completed_on = null,
        ${found.columns.has('upsert_by_key') ? sql`upsert_by_key = case when j.state <> 'cancelled' then j.upsert_by_key end,` : sql``}
        start_after = greatest(j.start_after, now()) ${
          act.spread_seconds === undefined ? sql`` : sql`+ random() * ${act.spread_seconds}::int * interval '1 second'`
        },
        keep_until = greatest(j.keep_until, now() + ${termOf(sql, 'j')})`
    case 'cancel':
      return sql`state = 'cancelled', completed_on = now()`
    case 'reschedule':
      return sql`
        start_after = picked.due,
        keep_until = greatest(j.keep_until, picked.due + ${termOf(sql, 'j')})`
    case 'priority':
      return sql`priority = ${act.priority}::int`
  }
}

/**
 * A retry is refused where another job with the same key has its place in the queue. It is also refused where a copy of the job waits in the
 * dead letter queue, or was moved back from there: the work would be done twice.
 */
function mayRetry(sql: Sql, found: Found): Fragment {
  return sql`(${whyNoRetry(sql, found)}) is null`
}

function whyNoRetry(sql: Sql, found: Found): Fragment {
  return sql`case
    when ${isPlaceTaken(sql, found, stateOfRetry(sql), false)} then 'another job has its place in the queue'
    ${whyCopied(sql, found)}
  end`
}

/**
 * The number of seconds after which pg-boss deletes an ended job, at least until a time. Zero means never, and stays.
 * @param row the name of a row with the columns of `job`
 */
const keptUntil = (sql: Sql, row: string, until: Fragment): Fragment => {
  const seconds = sql.unsafe(`${row}.deletion_seconds`)
  const ended = sql.unsafe(`${row}.completed_on`)
  return sql`case
    when ${seconds} = 0 or ${ended} is null then ${seconds}
    else least(greatest(${seconds}, ceil(extract(epoch from ${until} - ${sql.unsafe(boundedTime(`${row}.completed_on`))}))), 2147483647)::int
  end`
}

function restored(sql: Sql, found: Found, until: Fragment): Fragment {
  const names = imageColumns(found.columns)
  const values = names.map((name) => {
    if (name === 'keep_until') return sql`greatest(was.keep_until, now() + ${termOf(sql, 'was')})`
    return name === 'deletion_seconds' ? keptUntil(sql, 'was', until) : sql.unsafe(`was.${name}`)
  })
  return sql`(${sql.unsafe(names.join(', '))}) = (
    select ${listed(sql, values)}
    from jsonb_populate_record(null::${sql.unsafe(tableOf(found))}, picked.before) as was
  )`
}

async function revived(sql: Sql, found: Found, until: Fragment) {
  const columns = await readColumns(sql, found.schema)
  const state = sql.unsafe(`picked.state::${found.schema}.job_state`)
  const values = columns.map(({ name }) => {
    if (name === 'state') return state
    // A job that waits is deleted once this time is past.
    if (name === 'keep_until')
      return sql`case when ${state} < 'active' then greatest(picked.keep_until, ${until}) else picked.keep_until end`
    return name === 'deletion_seconds' ? keptUntil(sql, 'picked', until) : sql.unsafe(`picked.${name}`)
  })
  return { names: sql.unsafe(columns.map(({ name }) => name).join(', ')), values: listed(sql, values) }
}

const listed = (sql: Sql, [first = sql``, ...others]: readonly Fragment[]): Fragment =>
  others.reduce((all, one) => sql`${all}, ${one}`, first)

/** A job whose queue is gone would fail at the commit, and take the others of its batch with it. The names of queues are hashed once. */
const isGone = (sql: Sql, { schema }: Found, queue: Fragment): Fragment =>
  sql`(${queue} not in (select queue.name from ${sql.unsafe(schema)}.queue as queue)) is true`

function obstacle(sql: Sql, found: Found): Fragment {
  return sql`case
    when ${isGone(sql, found, sql`jobs.queue`)} then 'its queue was deleted'
    when ${isGone(sql, found, sql`jobs.native_dead_letter`)} then 'its dead letter queue was deleted'
    when exists (
      select from ${sql.unsafe(tableOf(found))} as live where live.name = jobs.queue and live.id = jobs.native_id
    ) then 'its id is taken'
    when ${isPlaceTaken(sql, found, sql`jobs.native_state::text`, true)} then ${sql.unsafe(`'${whyNotInserted}'`)}
  end`
}
