import type { Code } from '../../../shared/explain/reason.ts'
import type { Throttle } from '../../../shared/queues/throttle.ts'
import type { Reading, Telling } from '../../call.ts'
import type { Within } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { placeOf, servedBy } from '../../engines/served.ts'
import { findLargeUnindexed } from '../../history/large-unindexed.ts'
import { type RunTime, runTimeOfHistory, runTimeOfJobs, unknownRunTime } from '../../history/run-time.ts'
import type { Queue } from '../../lifecycle/lease/due.ts'
import { lookAtQueue } from '../explain/queue.ts'
import type { InputOf, OutputOf } from '../handlers.ts'

/** Why a further worker of a queue would get none of its due jobs. */
const holding: readonly Code[] = ['queue_paused', 'queue_draining', 'all_blocked', 'queue_locked']

/** How far back jobs are read for the time that a job runs, in seconds. */
const lookBack = 3600

/** How many workers a queue wants now. */
export async function scale(
  { sql, within, ...telling }: Reading & Telling,
  { within_seconds, per_worker, ...asked }: InputOf<'scale'>,
): Promise<OutputOf<'scale'>> {
  const queue = { ...asked, within }
  return sql.begin(async (tx) => {
    const [{ now }] = await tx<[{ now: string }]>`select ${limitReadTime(tx)}, now() as now`
    const found = await lookAtQueue(tx, queue, telling)
    const run = found ? await runTimeOf(tx, queue, Date.parse(now) / 1000) : unknownRunTime
    const throttle = found?.throttle ?? (await limitsOfEngine(tx, queue))
    const backlog = found?.counts.due ?? 0
    const running = found?.counts.processing ?? 0
    const held_by = found?.around.find(({ code }) => holding.includes(code))?.code ?? null
    const mean = run.jobs > 0 ? run.seconds / run.jobs : null
    const more = held_by === null ? jobsBeside({ backlog, mean, within_seconds, throttle }) : 0
    const atOnce = Math.max(running, Math.min(running + more, throttle.running ?? Number.POSITIVE_INFINITY))
    return {
      ...asked,
      as_of: now,
      known: found !== undefined,
      backlog,
      oldest_seconds: found?.line.oldest_wait?.seconds ?? 0,
      running,
      mean_run_seconds: mean,
      mean_of_jobs: run.jobs,
      held_by,
      wanted_workers: Math.ceil(atOnce / per_worker),
    }
  })
}

async function limitsOfEngine(sql: Sql, queue: Within<Queue>): Promise<Throttle> {
  const place = placeOf(sql, queue.domain)
  const limits = await place?.adapter.limits?.(place.of, [place.found], queue)
  return limits ?? { running: null, per_minute: null }
}

interface Load {
  backlog: number
  /** How long a job runs, in seconds; null where that is not known. */
  mean: number | null
  within_seconds: number
  throttle: Throttle
}

/** How many due jobs must run at the same time to be done within a time. */
function jobsBeside({ backlog, mean, within_seconds, throttle: { per_minute } }: Load): number {
  const needed = mean === null ? 1 : Math.ceil((backlog * mean) / within_seconds)
  const begun = mean === null || per_minute === null ? needed : Math.min(needed, Math.ceil((per_minute * mean) / 60))
  return Math.min(backlog, Math.max(begun, 1))
}

/** The run time of the jobs of a queue that ended within the last hour; of no job where they would be found by a read of all jobs. */
async function runTimeOf(sql: Sql, queue: Within<Queue>, now: number): Promise<RunTime> {
  const range = { from: now - lookBack, to: now }
  if (servedBy(sql).mode === 'own') return runTimeOfHistory(sql, queue, range)
  const place = placeOf(sql, queue.domain)
  if (!place || (await findLargeUnindexed(sql, [place]))) return unknownRunTime
  return runTimeOfJobs(place.of, place, { ...range, scope: queue })
}
