import { setTimeout as wait } from 'node:timers/promises'
import { renew, renewMany } from '../../../../shared/endpoints.ts'
import type { FinishItem } from '../../../../shared/work/finish.ts'
import type { Job } from '../../../../shared/work/job.ts'
import { Payload } from '../job-mix.ts'
import type { finishSoundly, Reporting } from './finishing.ts'
import type { Mood } from './moods.ts'

interface Working extends Reporting {
  mood: Mood
  worker: string
  /** Takes what goes on beside the next jobs. */
  aside: (task: Promise<void>) => void
  finish: typeof finishSoundly
}

/** Works on leased jobs as the mood is: promptly, slowly and renewing, too slowly, or never to the end. */
export async function workOn(jobs: readonly Job[], by: Working): Promise<void> {
  const { mood, random, aside } = by
  const prompt: FinishItem[] = []
  const slow: FinishItem[] = []
  for (const job of jobs) {
    if (random.chance(mood.forget)) continue
    const item = outcomeOf(job, by)
    if (random.chance(mood.late)) aside(wait(random.between(900, 4500)).then(() => report([item], by)))
    else (random.chance(0.04) ? slow : prompt).push(item)
  }
  await wait(random.between(0, 20))
  for (const part of random.chance(0.8) ? [prompt] : prompt.map((item) => [item])) await report(part, by)
  if (slow.length > 0) aside(workSlowly(slow, by))
}

async function workSlowly(items: readonly FinishItem[], by: Working): Promise<void> {
  const left = new Map(items.map((item) => [item.id, item]))
  for (let rounds = by.random.whole(1, 4); rounds > 0; rounds--) {
    await wait(by.random.between(50, 500))
    for (const id of await renewAll([...left.values()], by)) {
      const item = left.get(id)
      if (!item) continue
      // Somebody wants it to end.
      left.delete(id)
      await report([{ ...held(item), action: 'release' }], by)
    }
  }
  await report([...left.values()], by)
}

const held = ({ id, worker_id, lease_id, completion_token }: FinishItem) => ({
  id,
  worker_id,
  lease_id,
  completion_token,
})

/** Renews leases together, or one alone; returns the jobs that are wanted to end. */
async function renewAll(items: readonly FinishItem[], { caller, journal, random }: Working): Promise<number[]> {
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

/** Reports ends: once, twice at once, once more later, or differently. */
async function report(items: readonly FinishItem[], by: Working): Promise<void> {
  if (items.length === 0) return
  const { mood, random, aside, finish } = by
  const said = [finish(items, by)]
  if (random.chance(mood.twice)) said.push(finish(items, by))
  await Promise.all(said)
  if (random.chance(mood.again)) aside(wait(random.between(200, 3000)).then(() => finish(items, by)))
  const others = items.filter(() => random.chance(mood.otherwise))
  if (others.length === 0) return
  const otherwise = others.map((item) => ({ ...item, completion_token: random.word(), result: 'otherwise' }))
  const differing = otherwise.map(({ result, ...item }) => (item.action === 'complete' ? { ...item, result } : item))
  aside(wait(random.between(0, 1000)).then(() => finish(differing, by)))
}

function outcomeOf(job: Job, { random, mood, worker }: Working): FinishItem {
  const { fails, poison, n } = Payload.parse(job.payload)
  const completion_token = random.chance(0.85) ? random.word() : undefined
  const mine = { id: job.id, worker_id: worker, lease_id: job.lease_id ?? 'none', completion_token }
  if (random.chance(mood.release)) return { ...mine, action: 'release' }
  const tried = job.retry_count ?? 0
  const gaveUp = random.chance(mood.giveUp)
  if (!poison && !gaveUp && fails <= tried) {
    return { ...mine, action: 'complete', result: { n, lease: mine.lease_id, token: completion_token ?? null } }
  }
  return {
    ...mine,
    action: 'fail',
    error: 'it had to fail',
    error_code: poison ? 'poison' : `try-${tried}`,
    error_class: undefined,
    retryable: !gaveUp,
    backoff_seconds: random.between(0, 0.1),
  }
}
