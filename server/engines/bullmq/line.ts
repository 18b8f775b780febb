import type { Sql } from '../../database/sql.ts'
import type { EngineJob, EngineQueue, QueueLine, WorkerSigns } from '../adapter.ts'
import type { Found } from '../found.ts'
import { placeWith } from '../parts/in-places.ts'
import { parseKey } from './key.ts'
import { dueOf, keyOf, timeOf } from './projection.ts'

/** The most running jobs, and the most parents that wait for children, that are counted. */
const mostCounted = 10_000

/** The line of a queue. Jobs that have waited in it are read, since no index has the time since when. */
export async function readLine(
  sql: Sql,
  found: readonly Found[],
  { domain, queue }: EngineQueue,
): Promise<QueueLine | undefined> {
  const place = placeWith(found, { domain })
  if (!place) return undefined
  const of = sql.unsafe(place.schema)
  const nowMs = sql`extract(epoch from now()) * 1000`
  const [due, key, next] = [dueOf, keyOf('j.queue', 'j.id'), timeOf('next.at')].map((text) => sql.unsafe(text))
  const bounded = (state: string) => sql`
    (
      select count(*)
      from (
        select from ${of}.job as j
        where j.queue = ${queue}::text and j.state = ${sql.unsafe(`'${state}'`)} ${sql.unsafe(`limit ${mostCounted}`)}
      ) as counted
    )`
  const [line] = await sql<[QueueLine]>`
    select
      now() as now, oldest.id, oldest.due as due_since, extract(epoch from now() - oldest.due)::float8 as seconds,
      ${next} as next_due_at, extract(epoch from ${next} - now())::float8 as next_due_in,
      ${bounded('active')} as running, ${bounded('waiting-children')} as blocked
    from (select) as one
    left join (
      select ${key} as id, ${due} as due
      from ${of}.job as j
      where j.queue = ${queue}::text and (j.state = 'waiting' or j.state = 'delayed' and j.process_at_ms <= ${nowMs})
      order by due
      limit 1
    ) as oldest on true
    left join (
      select min(j.process_at_ms) as at
      from ${of}.job as j
      where j.queue = ${queue}::text and j.state = 'delayed' and j.process_at_ms > ${nowMs}
    ) as next on true`
  return line
}

/** The last starts of jobs of a queue. BullMQ does not write down when a worker asks for one. */
export async function readSigns(
  sql: Sql,
  found: readonly Found[],
  { domain, queue }: EngineQueue,
): Promise<WorkerSigns | undefined> {
  const place = placeWith(found, { domain })
  if (!place) return undefined
  const of = sql.unsafe(place.schema)
  // The jobs that have ended last began as late as any.
  const last = (state: string) => sql`
    (
      select max(processed_at_ms)
      from (
        select j.processed_at_ms
        from ${of}.job as j
        where j.queue = ${queue}::text and j.state = ${sql.unsafe(`'${state}'`)}
        order by j.finished_at_ms desc
        limit 100
      ) as ended
    )`
  const started = sql.unsafe(timeOf('at'))
  const [signs] = await sql<[WorkerSigns]>`
    select
      null::timestamptz as last_asked_at, ${started} as last_picked_up_at, extract(epoch from now() - ${started})::float8 as silence, running
    from (
      select
        greatest(
          (select max(j.processed_at_ms) from ${of}.job as j where j.queue = ${queue}::text and j.state = 'active'),
          ${last('completed')}, ${last('failed')}
        ) as at,
        (
          select count(*)
          from (select from ${of}.job as j where j.queue = ${queue}::text and j.state = 'active' limit 1000) as active
        ) as running
    ) as signs`
  return signs
}

/**
 * How many jobs of its queue are taken before a job, as BullMQ takes them: those with a lower priority, 0 before 1, then in the order of their
 * numbers.
 * @param most where more are before it, one more than this is returned
 */
export async function countAhead(
  sql: Sql,
  found: readonly Found[],
  { id, domain }: EngineJob,
  most: number,
): Promise<number> {
  const place = placeWith(found, { domain })
  const key = parseKey(String(id))
  if (!place || !key) return 0
  const of = sql.unsafe(place.schema)
  const [{ ahead }] = await sql<[{ ahead: number }]>`
    select count(*) as ahead
    from (
      select
      from (select priority, seq from ${of}.job where queue = ${key.queue}::text and id = ${key.id}::text) as mine
      cross join lateral (
        select
        from ${of}.job as j
        where j.queue = ${key.queue}::text and j.state = 'waiting' and (j.priority, j.seq) < (mine.priority, mine.seq)
        ${sql.unsafe(`limit ${most + 1}`)}
      ) as before
    ) as line`
  return ahead
}
