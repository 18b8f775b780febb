import { isInState } from '../../../database/job-filter.ts'
import { isMarkWithin, type Narrowed } from '../../../database/scope.ts'
import type { Sql } from '../../../database/sql.ts'
import { placeOf, servedBy } from '../../../engines/served.ts'

/** A queue with jobs that wait, of which none was taken within the last minutes. */
export interface QuietQueue {
  domain: string
  queue: string
  /** Since when its oldest job waits. */
  oldest_due: string
}

/** Since when no worker has asked for the jobs of a queue, and the workers that did. */
export interface Silence {
  domain: string
  queue: string
  since: string
  workers: string[]
}

/** After this number of minutes without a sign of a worker, nobody takes the jobs. */
export const quietMinutes = 5
/** The most queues that are looked at; of another engine, whose queues are looked at one by one. */
const mostQueues = 20
const mostOfEngines = 10

/** How many quiet queues are looked at. */
export const mostLookedAt = (sql: Sql): number => (servedBy(sql).mode === 'own' ? mostQueues : mostOfEngines)

/** Those of the queues for whose jobs no worker asks. A queue whose workers leave no sign that can be read fast is left out. */
export async function findSilences(
  sql: Sql,
  scope: Narrowed,
  queues: readonly QuietQueue[],
): Promise<readonly Silence[]> {
  if (queues.length === 0) return []
  const first = queues.slice(0, mostLookedAt(sql))
  return servedBy(sql).mode === 'own' ? ownSilences(sql, scope, first) : silencesOfEngines(sql, first)
}

/** Workers over HTTP leave marks, those of other programs what they pick up. One job that was picked up a moment ago is a sign, too. */
const ownSilences = (sql: Sql, { within }: Narrowed, queues: readonly QuietQueue[]) => sql<Silence[]>`
  select
    item.domain, item.queue, coalesce(greatest(asked.at, picked.at), item.oldest_due::timestamptz) as since,
    coalesce(asked.workers, '[]') as workers
  from rows from (
    unnest(${queues.map(({ domain }) => domain)}::text[]),
    unnest(${queues.map(({ queue }) => queue)}::text[]),
    unnest(${queues.map(({ oldest_due }) => oldest_due)}::text[])
  ) as item (domain, queue, oldest_due)
  cross join lateral (
    select max(asked_at) as at, jsonb_agg(worker_id order by asked_at desc) filter (where nth <= 5) as workers
    from (
      select worker_id, max(asked_at) as asked_at, row_number() over (order by max(asked_at) desc) as nth
      from jobsctl_worker_marks
      where domain = item.domain and queue = item.queue ${isMarkWithin(sql, within)}
      group by worker_id
    ) as marks
  ) as asked
  cross join lateral (
    select max(picked_up_at) as at from jobsctl_pickups where domain = item.domain and queue = item.queue
  ) as picked
  where coalesce(greatest(asked.at, picked.at), '-infinity') < now() - ${quietMinutes}::int * interval '1 minute'
    and not exists (
      select
      from (
        select acquired_at from jobs
        where (${isInState(sql, 'processing')}) is true
          and jobs.domain || chr(31) || jobs.queue = item.domain || chr(31) || item.queue
        limit 1000
      ) as running
      where acquired_at > now() - ${quietMinutes}::int * interval '1 minute'
    )`

async function silencesOfEngines(sql: Sql, queues: readonly QuietQueue[]): Promise<Silence[]> {
  const silences: Silence[] = []
  for (const { domain, queue, oldest_due } of queues) {
    const place = placeOf(sql, domain)
    const signs = await place?.adapter.signs(place.of, [place.found], { domain, queue })
    if (!signs || (signs.silence !== null && signs.silence < 60 * quietMinutes)) continue
    const times = [signs.last_asked_at, signs.last_picked_up_at].filter((time) => time !== null)
    const since = times.toSorted((one, other) => Date.parse(other) - Date.parse(one))[0] ?? oldest_due
    silences.push({ domain, queue, since, workers: [] })
  }
  return silences
}
