import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import * as endpoints from '../../../../shared/endpoints.ts'
import { ageSweptQueue, pausedQueue, prunedDomain, queues, runtimeSweptDomain } from '../queues.ts'
import type { Random } from '../random.ts'
import type { Caller } from './caller.ts'

interface Operating {
  sql: Sql
  caller: Caller
  random: Random
  signal: AbortSignal
}

/** An operator: sweeps, prunes, repairs, requeues, cancels and pauses at random until `signal` aborts. */
export async function operate(by: Operating): Promise<void> {
  const actions = [sweepRunning, sweepQueued, pruneOld, repair, requeue, cancelAny, pauseBriefly, readStats]
  while (!by.signal.aborted) {
    await by.random.pick(actions)(by)
    await wait(by.random.between(10, 120))
  }
  const { call } = by.caller
  while (!(await call(endpoints.controlQueue, { ...pausedQueue, action: 'resume' })).body) await wait(50)
}

const maybeMax = (random: Random) => (random.chance(0.2) ? { max: 3 } : {})

const sweepRunning = async ({ caller, random }: Operating) =>
  caller.call(endpoints.sweep, {
    ...{
      domain: runtimeSweptDomain,
      runtime_seconds: random.whole(2, 3),
      action: random.pick(['cancel', 'fail'] as const),
    },
    ...maybeMax(random),
    dry_run: random.chance(0.2),
  })

const sweepQueued = async ({ caller, random }: Operating) =>
  caller.call(endpoints.sweep, {
    ...ageSweptQueue,
    ...{ job_type: 'count', age_seconds: random.whole(4, 12), action: random.pick(['cancel', 'fail'] as const) },
    ...maybeMax(random),
  })

async function pruneOld({ sql, caller, random }: Operating): Promise<void> {
  await sql`
    update jobs
    set completed_at = completed_at - interval '3 days', cancelled_at = cancelled_at - interval '3 days',
        quarantined_at = quarantined_at - interval '3 days'
    where domain = ${prunedDomain} and status in ('completed', 'failed', 'cancelled', 'quarantined')
      and coalesce(completed_at, cancelled_at, quarantined_at) > now() - interval '1 day'
      and id % 3 <> 0`
  await caller.call(endpoints.prune, {
    ...{ domain: prunedDomain, older_than_days: 1, statuses: ['completed', 'failed', 'cancelled', 'quarantined'] },
    ...maybeMax(random),
    dry_run: random.chance(0.1),
  })
}

const repair = async ({ caller, random }: Operating) =>
  caller.call(endpoints.integrity, {
    fix: random.chance(0.8),
    ...(random.chance(0.6) && { domain: random.pick(queues).domain }),
  })

const requeue = async ({ caller, random }: Operating) =>
  caller.call(endpoints.requeue, { domain: random.pick(queues).domain, ...maybeMax(random) })

async function cancelAny({ sql, caller, random }: Operating): Promise<void> {
  const jobs = await sql<{ id: string }[]>`
    select id from jobs where status in ('queued', 'processing') order by id desc limit 40`
  if (jobs.length === 0) return
  const { id } = random.pick(jobs)
  await caller.call(endpoints.cancel, { id, force: random.chance(0.5), reason: 'not needed any more' })
}

async function pauseBriefly({ caller, random }: Operating): Promise<void> {
  await caller.call(endpoints.controlQueue, { ...pausedQueue, action: 'pause', reason: 'maintenance' })
  await wait(random.between(50, 500))
  await caller.call(endpoints.controlQueue, { ...pausedQueue, action: 'resume' })
}

async function readStats({ caller }: Operating): Promise<void> {
  await caller.call(endpoints.stats, {})
  await caller.call(endpoints.stoppedQueues, {})
}
