import type { Sql } from '../../database/sql.ts'
import type { EngineQueue } from '../adapter.ts'
import type { Found } from '../found.ts'
import { quotedText } from '../parts/sql-text.ts'
import { tellQueues } from './along.ts'

/** The queues of one schema that BullMQ knows, with the columns of our table of stopped queues. BullMQ does not write down since when. */
export const queueControls = ({ schema, domain }: Pick<Found, 'schema' | 'domain'>): string => `(
  select ${quotedText(domain)}::text as domain, m.queue,
    pg_catalog.bool_or(m.field = 'paused' and m.value = '1') as paused, false as drain, null::timestamptz as updated_at
  from ${schema}.meta m group by m.queue
)`

/**
 * Pauses a queue or resumes it, as BullMQ does: one row of `meta`, an event, and the sign that wakes workers.
 * @returns false where the queue was so already
 */
export async function controlQueue(
  sql: Sql,
  { schema }: Found,
  { queue, paused }: EngineQueue & { paused: boolean },
): Promise<boolean> {
  const of = sql.unsafe(schema)
  const rows = paused
    ? await sql`
        insert into ${of}.meta as m (queue, field, value) values (${queue}::text, 'paused', '1')
        on conflict (queue, field) do update set value = '1' where m.value is distinct from '1'
        returning m.queue`
    : await sql`delete from ${of}.meta as m where m.queue = ${queue}::text and m.field = 'paused' returning m.queue`
  if (rows.length === 0) return false
  await sql`
    insert into ${of}.event (queue, event, data, created_at_ms)
    values (${queue}::text, ${paused ? 'paused' : 'resumed'}::text, '{}', (extract(epoch from clock_timestamp()) * 1000)::bigint)`
  await tellQueues(sql, sql`select ${queue}::text as queue`)
  return true
}
