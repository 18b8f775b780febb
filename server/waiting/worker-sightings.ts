import { createHash } from 'node:crypto'
import type { AcquireRequest } from '../../shared/work/acquire.ts'
import type { Pool, Sql } from '../database/sql.ts'
import type { Log } from '../log/log.ts'
import { errorText } from '../log/system-error.ts'
import { createSightingThrottle } from './sighting-throttle.ts'

/** The call of a worker that asks for jobs. */
type Ask = Pick<AcquireRequest, 'domain' | 'queue' | 'worker_id' | 'job_types' | 'owner_user_id'>

/** The sightings of workers: their calls of this API for jobs. */
export interface WorkerSightings {
  /** Notes a call. It costs a look into a map; the row is written later, at most once a minute, and outside of the call. */
  asked: (ask: Ask) => void
}

interface Sighting extends Ask {
  filter: string
}

interface Options {
  sql: Pool
  log: Pick<Log, 'warn'>
  stopping: AbortSignal
}

/** The sightings of one moment are written in one statement. */
const gatherMs = 200

/** A row that cannot be written is lost: no call of a worker depends on it. */
export function createWorkerSightings({ sql, log, stopping }: Options): WorkerSightings {
  const throttle = createSightingThrottle()
  let waiting: Sighting[] = []
  let reported = ''
  const write = async () => {
    const sightings = waiting
    waiting = []
    if (stopping.aborted) return
    await writeSightings(sql, sightings).catch((error: unknown) => {
      const why = errorText(error)
      if (why !== reported) log.warn(`marks of workers are not written, so explain may miss a worker: ${why}`)
      reported = why
    })
  }
  return {
    asked(ask) {
      const filter = filterOf(ask)
      const queue = JSON.stringify([ask.domain, ask.queue])
      if (!throttle.letsThrough(queue, JSON.stringify([ask.worker_id, filter]), performance.now())) return
      if (waiting.push({ ...ask, filter }) === 1) setTimeout(() => void write(), gatherMs).unref()
    },
  }
}

/** Empty for a worker that takes all jobs. */
const filterOf = ({ job_types, owner_user_id }: Ask): string =>
  job_types === undefined && owner_user_id === undefined
    ? ''
    : createHash('md5')
        .update(JSON.stringify([job_types?.toSorted(), owner_user_id]))
        .digest('hex')

/** In the order of the key, so that two servers never wait for each other in a circle. */
const writeSightings = (sql: Sql, sightings: readonly Sighting[]) => sql`
  insert into jobsctl_worker_marks as known (domain, queue, worker_id, filter, job_types, owner_user_id, asked_at)
  select distinct on (domain, queue, worker_id, filter)
    domain, queue, worker_id, filter, job_types, owner_user_id, now()
  from jsonb_to_recordset(${JSON.stringify(sightings)}::text::jsonb) as mark (
    domain text, queue text, worker_id text, filter text, job_types text[], owner_user_id text
  )
  order by domain, queue, worker_id, filter
  on conflict (domain, queue, worker_id, filter) do update
  set asked_at = excluded.asked_at`

/** Deletes the sightings of workers that did not ask for an hour, and the pick-ups of groups without one for 30 days. */
export async function deleteOldSightings(sql: Sql): Promise<void> {
  await sql`delete from jobsctl_worker_marks where asked_at < now() - interval '1 hour'`
  await sql`delete from jobsctl_pickups where picked_up_at < now() - interval '30 days'`
}
