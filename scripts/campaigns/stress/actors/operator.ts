import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import * as endpoints from '../../../../shared/endpoints.ts'
import { aging, lanes, pausing, pruned, timed } from '../lanes.ts'
import type { Random } from '../random.ts'
import type { Caller } from './caller.ts'

interface Operating {
  sql: Sql
  caller: Caller
  random: Random
  signal: AbortSignal
}

/** An operator that never rests: sweeps, prunes, repairs, requeues, cancels and pauses, until told to stop. */
export async function operate(by: Operating): Promise<void> {
  const deeds = [sweepRunning, sweepWaiting, pruneOld, repair, requeue, cancelAny, pauseForAMoment, look]
  while (!by.signal.aborted) {
    await by.random.pick(deeds)(by)
    await wait(by.random.between(10, 120))
  }
  const { call } = by.caller
  while (!(await call(endpoints.controlQueue, { ...pausing, action: 'resume' })).body) await wait(50)
}

const maybeMax = (random: Random) => (random.chance(0.2) ? { max: 3 } : {})

const sweepRunning = async ({ caller, random }: Operating) =>
  caller.call(endpoints.sweep, {
    ...{ domain: timed, runtime_seconds: random.whole(2, 3), action: random.pick(['cancel', 'fail'] as const) },
    ...maybeMax(random),
    dry_run: random.chance(0.2),
  })

const sweepWaiting = async ({ caller, random }: Operating) =>
  caller.call(endpoints.sweep, {
    ...aging,
    ...{ job_type: 'count', age_seconds: random.whole(4, 12), action: random.pick(['cancel', 'fail'] as const) },
    ...maybeMax(random),
  })

async function pruneOld({ sql, caller, random }: Operating): Promise<void> {
  await sql`
    update jobs
    set completed_at = completed_at - interval '3 days', cancelled_at = cancelled_at - interval '3 days',
        quarantined_at = quarantined_at - interval '3 days'
    where domain = ${pruned} and status in ('completed', 'failed', 'cancelled', 'quarantined')
      and coalesce(completed_at, cancelled_at, quarantined_at) > now() - interval '1 day'
      and id % 3 <> 0`
  await caller.call(endpoints.prune, {
    ...{ domain: pruned, older_than_days: 1, statuses: ['completed', 'failed', 'cancelled', 'quarantined'] },
    ...maybeMax(random),
    dry_run: random.chance(0.1),
  })
}

const repair = async ({ caller, random }: Operating) =>
  caller.call(endpoints.integrity, {
    fix: random.chance(0.8),
    ...(random.chance(0.6) && { domain: random.pick(lanes).domain }),
  })

const requeue = async ({ caller, random }: Operating) =>
  caller.call(endpoints.requeue, { domain: random.pick(lanes).domain, ...maybeMax(random) })

async function cancelAny({ sql, caller, random }: Operating): Promise<void> {
  const jobs = await sql<{ id: string }[]>`
    select id from jobs where status in ('queued', 'processing') order by id desc limit 40`
  if (jobs.length === 0) return
  const { id } = random.pick(jobs)
  await caller.call(endpoints.cancel, { id, force: random.chance(0.5), reason: 'not wanted any more' })
}

async function pauseForAMoment({ caller, random }: Operating): Promise<void> {
  await caller.call(endpoints.controlQueue, { ...pausing, action: 'pause', reason: 'a look at it' })
  await wait(random.between(50, 500))
  await caller.call(endpoints.controlQueue, { ...pausing, action: 'resume' })
}

async function look({ caller }: Operating): Promise<void> {
  await caller.call(endpoints.stats, {})
  await caller.call(endpoints.stoppedQueues, {})
}
