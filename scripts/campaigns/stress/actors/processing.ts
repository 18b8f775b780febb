import { setTimeout as wait } from 'node:timers/promises'
import { renew, renewMany } from '../../../../shared/endpoints.ts'
import type { FinishItem } from '../../../../shared/work/finish.ts'
import type { Job } from '../../../../shared/work/job.ts'
import { Payload } from '../job-mix.ts'
import type { Behaviour } from './behaviours.ts'
import type { Finishing, finishWithRetries } from './finishing.ts'

interface Processing extends Finishing {
  behaviour: Behaviour
  /** The worker id. */
  worker: string
  /** Keeps a task that runs while the worker leases the next jobs. */
  runInBackground: (task: Promise<void>) => void
  finish: typeof finishWithRetries
}

/** Processes leased jobs at random: at once, slowly with renewals, after the lease expires, or never. */
export async function processJobs(jobs: readonly Job[], by: Processing): Promise<void> {
  const { behaviour, random, runInBackground } = by
  const prompt: FinishItem[] = []
  const slow: FinishItem[] = []
  for (const job of jobs) {
    if (random.chance(behaviour.abandon)) continue
    const item = outcomeOf(job, by)
    if (random.chance(behaviour.late)) runInBackground(wait(random.between(900, 4500)).then(() => report([item], by)))
    else (random.chance(0.04) ? slow : prompt).push(item)
  }
  await wait(random.between(0, 20))
  for (const part of random.chance(0.8) ? [prompt] : prompt.map((item) => [item])) await report(part, by)
  if (slow.length > 0) runInBackground(finishSlowly(slow, by))
}

/** Renews the leases one to four times and then finishes the jobs. Releases jobs whose cancellation is requested. */
async function finishSlowly(items: readonly FinishItem[], by: Processing): Promise<void> {
  const left = new Map(items.map((item) => [item.id, item]))
  for (let rounds = by.random.whole(1, 4); rounds > 0; rounds--) {
    await wait(by.random.between(50, 500))
    for (const id of await renewAll([...left.values()], by)) {
      const item = left.get(id)
      if (!item) continue
      left.delete(id)
      await report([{ ...leaseOf(item), action: 'release' }], by)
    }
  }
  await report([...left.values()], by)
}

const leaseOf = ({ id, worker_id, lease_id, completion_token }: FinishItem) => ({
  id,
  worker_id,
  lease_id,
  completion_token,
})

/** Renews leases in one call. Returns the ids of the jobs whose cancellation is requested. */
async function renewAll(items: readonly FinishItem[], { caller, journal, random }: Processing): Promise<number[]> {
  const [first] = items
  if (!first) return []
  const lease_seconds = random.whole(1, 3)
  const { id, worker_id, lease_id } = first
  const results =
    items.length === 1
      ? [(await caller.call(renew, { id: String(id), worker_id, lease_id, lease_seconds })).body]
      : (await caller.call(renewMany, { jobs: items.map((item) => renewal(item, lease_seconds)) })).body?.results
  const leases = new Map(items.map((item) => [item.id, item.lease_id]))
  return (results ?? []).flatMap((renewed) => {
    if (!renewed || !('leased_until' in renewed)) return []
    const lease = leases.get(renewed.id) ?? 'none'
    journal.write({ kind: 'renewed', job: renewed.id, lease, until: renewed.leased_until })
    return renewed.cancel_requested ? [renewed.id] : []
  })
}

const renewal = ({ id, worker_id, lease_id }: FinishItem, lease_seconds: number) => ({
  ...{ id, worker_id, lease_id, lease_seconds },
  progress_percent: 50,
})

/** Finishes jobs, and at random repeats the finish: concurrently, later, or with another completion token. */
async function report(items: readonly FinishItem[], by: Processing): Promise<void> {
  if (items.length === 0) return
  const { behaviour, random, runInBackground, finish } = by
  const sent = [finish(items, by)]
  if (random.chance(behaviour.duplicate)) sent.push(finish(items, by))
  await Promise.all(sent)
  if (random.chance(behaviour.repeat)) runInBackground(wait(random.between(200, 3000)).then(() => finish(items, by)))
  const repeated = items.filter(() => random.chance(behaviour.otherToken))
  if (repeated.length === 0) return
  const withOtherToken = repeated.map((item) => ({ ...item, completion_token: random.word(), result: 'otherwise' }))
  const conflicting = withOtherToken.map(({ result, ...item }) =>
    item.action === 'complete' ? { ...item, result } : item,
  )
  runInBackground(wait(random.between(0, 1000)).then(() => finish(conflicting, by)))
}

/** Returns the finish of a job, from its payload and the behaviour of the worker. */
function outcomeOf(job: Job, { random, behaviour, worker }: Processing): FinishItem {
  const { fails, poison, n } = Payload.parse(job.payload)
  const completion_token = random.chance(0.85) ? random.word() : undefined
  const lease = { id: job.id, worker_id: worker, lease_id: job.lease_id ?? 'none', completion_token }
  if (random.chance(behaviour.release)) return { ...lease, action: 'release' }
  const retries = job.retry_count ?? 0
  const permanent = random.chance(behaviour.failPermanently)
  if (!poison && !permanent && fails <= retries) {
    return { ...lease, action: 'complete', result: { n, lease: lease.lease_id, token: completion_token ?? null } }
  }
  return {
    ...lease,
    action: 'fail',
    error: 'the payload or the worker made it fail',
    error_code: poison ? 'poison' : `try-${retries}`,
    error_class: undefined,
    retryable: !permanent,
    backoff_seconds: random.between(0, 0.1),
  }
}
