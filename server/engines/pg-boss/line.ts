import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineQueue, QueueLine, WorkerSigns } from '../adapter.ts'
import type { Found } from '../found.ts'
import { placeWith } from '../parts/in-places.ts'
import { keyOf } from './projection.ts'
import { workersOf } from './workers.ts'

/** The most running, and the most blocked jobs that are counted. */
const mostCounted = 10_000

/** The two ends of the line of a queue, which are single entries of the index of waiting jobs. */
export async function readLine(sql: Sql, found: readonly Found[], queue: EngineQueue): Promise<QueueLine | undefined> {
  const place = placeWith(found, queue)
  if (!place) return undefined
  const of = sql.unsafe(place.schema)
  const hasBlocked = place.columns.has('blocked')
  const free = hasBlocked ? sql`and not j.blocked` : sql``
  const first = (state: string, isDue: Fragment) => sql`
    (
      select ${sql.unsafe(keyOf('j'))} as id, j.start_after as due
      from ${of}.job as j
      where j.name = ${queue.queue}::text and j.state = ${sql.unsafe(`'${state}'`)} ${free} and ${isDue}
      order by j.start_after
      limit 1
    )`
  const firsts = (isDue: Fragment) => sql`
    select * from (${first('created', isDue)} union all ${first('retry', isDue)}) as firsts order by due limit 1`
  const bound = sql.unsafe(`limit ${mostCounted}`)
  const [line] = await sql<[QueueLine]>`
    select
      now() as now, oldest.id, oldest.due as due_since, extract(epoch from now() - oldest.due)::float8 as seconds,
      next.due as next_due_at, extract(epoch from next.due - now())::float8 as next_due_in,
      (
        select count(*)
        from (select from ${of}.job as j where j.name = ${queue.queue}::text and j.state = 'active' ${bound}) as running
      ) as running,
      ${
        hasBlocked
          ? sql`(
            select count(*)
            from (
              select from ${of}.job as j
              where j.name = ${queue.queue}::text and j.state in ('created', 'retry') and j.blocked
              ${bound}
            ) as blocked
          )`
          : sql`0::bigint`
      } as blocked
    from (select) as one
    left join (${firsts(sql`j.start_after > '-infinity' and j.start_after <= now()`)}) as oldest on true
    left join (${firsts(sql`j.start_after > now() and j.start_after < 'infinity'`)}) as next on true`
  return line
}

/** When a worker was last seen that takes the jobs of a queue: a process that asks for them, from 12.36 on, or a job that it has started. */
export async function readSigns(
  sql: Sql,
  found: readonly Found[],
  queue: EngineQueue,
): Promise<WorkerSigns | undefined> {
  const place = placeWith(found, queue)
  // Without its index every ended job would be read.
  if (!place?.indexes.has('i16') || !place.indexes.has('i14')) return undefined
  const of = sql.unsafe(place.schema)
  const inQueue = sql`j.name = ${queue.queue}::text`
  const [signs] = await sql<[WorkerSigns]>`
    select
      last_asked_at, last_picked_up_at, extract(epoch from now() - greatest(last_asked_at, last_picked_up_at))::float8 as silence, running
    from (
      select
        ${
          place.beside.has('instance')
            ? sql`(
              select max(w."lastFetchedOn")
              from ${of}.instance as i
              cross join lateral ${workersOf(sql)}
              where i.stopped_on is null and w.queue = ${queue.queue}::text
            )`
            : sql`null::timestamptz`
        } as last_asked_at,
        greatest(
          (select max(j.started_on) filter (where isfinite(j.started_on)) from ${of}.job as j where ${inQueue} and j.state = 'active'),
          -- The jobs that have ended last began as late as any.
          (
            select max(started_on) filter (where isfinite(started_on))
            from (
              select j.started_on
              from ${of}.job as j
              where ${inQueue} and j.completed_on is not null
              order by j.completed_on desc
              limit 100
            ) as ended
          )
        ) as last_picked_up_at,
        (
          select count(*)
          from (select from ${of}.job as j where ${inQueue} and j.state = 'active' limit 1000) as active
        ) as running
    ) as signs`
  return signs
}
