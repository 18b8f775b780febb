/** The columns of BullMQ that a change may overwrite. An undo gives them back. */
export const imageColumns = [
  ...['state', 'seq', 'priority', 'delay_ms', 'attempts_made', 'attempts_started', 'return_value', 'failed_reason'],
  ...['stacktrace', 'process_at_ms', 'processed_at_ms', 'finished_at_ms'],
] as const

/** What an image has of other tables. A change may give it back to them, and a job is the same without it. */
const elsewhere = ['edge', 'failed_children', 'dedup']

/** What of an image may be long. */
const long = ['return_value', 'stacktrace']

const without = (image: string, names: readonly string[]): string => `(${image} - '{${names.join(',')}}'::text[])`

/**
 * An SQL expression of type jsonb: the columns of an image of a row of `job`, beside its key; the edge of its flow to its parent; the edges of a failed
 * job to children that have failed it; its row of the table `dedup`; and whether it has ended and another job has its deduplication id.
 */
export const imageOf = (row: string, schema: string): string => `pg_catalog.jsonb_build_object(
  'queue', ${row}.queue, 'native_id', ${row}.id, ${imageColumns.map((name) => `'${name}', ${row}.${name}`).join(', ')},
  'edge', case when ${row}.parent_id is not null then (
    select pg_catalog.jsonb_build_object(
      'status', e.status, 'value', e.value, 'parent_queue', e.parent_queue, 'parent_id', e.parent_id
    )
    from ${schema}.job_dependency e
    where e.parent_queue = ${row}.parent_queue and e.parent_id = ${row}.parent_id and e.child_key = ${row}.queue || ':' || ${row}.id
  ) end,
  'failed_children', case when ${row}.state = 'failed' then (
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('child_key', e.child_key, 'value', e.value))
    from ${schema}.job_dependency e
    where e.parent_queue = ${row}.queue and e.parent_id = ${row}.id and e.status = 'failed'
  ) end,
  'dedup', case when ${row}.dedup_id is not null then (
    select pg_catalog.jsonb_build_object('id', d.dedup_id, 'expire_at_ms', d.expire_at_ms)
    from ${schema}.dedup d
    where d.queue = ${row}.queue and d.dedup_id = ${row}.dedup_id and d.job_id = ${row}.id
  ) end,
  'rival', ${row}.state in ('completed', 'failed')
    and ${rivalOf({ queue: `${row}.queue`, id: `${row}.id`, dedup: `${row}.dedup_id` }, schema)} is not null)`

/** The expressions by which a row with a deduplication id is compared. */
interface Deduplicated {
  queue: string
  id: string
  dedup: string
}

/** An SQL expression: the id of another job that has the deduplication id of a row and has not ended; null where none has. */
export const rivalOf = (
  { queue, id, dedup }: Deduplicated,
  schema: string,
): string => `case when ${dedup} is not null then (
    select d.job_id
    from ${schema}.dedup d
    join ${schema}.job other on other.queue = d.queue and other.id = d.job_id
    where d.queue = ${queue} and d.dedup_id = ${dedup} and d.job_id <> ${id}
      and (d.expire_at_ms is null or d.expire_at_ms > extract(epoch from pg_catalog.now()) * 1000)
      and other.state not in ('completed', 'failed')
  ) end`

/** An SQL expression: an image without what it has for other tables. */
export const comparable = (image: string): string => without(image, elsewhere)

/** An SQL expression: an image without what may be long. */
export const short = (image: string): string => without(image, long)
