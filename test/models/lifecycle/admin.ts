import { expect } from 'vitest'
import { paths } from '../../support/world.ts'
import { type CommandOf, newest, places } from './commands.ts'
import { scopeOf } from './model.ts'
import type { Session } from './observe.ts'
import { integrity, prune, requeue, stats, sweep } from './operators.ts'
import { expectRefusal } from './send.ts'

const states = {
  pause: { paused: true, drain: false, event: 'queue.paused' },
  drain: { paused: true, drain: true, event: 'queue.drained' },
  resume: { paused: false, drain: false, event: 'queue.resumed' },
}

export async function control({ world, model }: Session, { at, action, reason }: CommandOf<'control'>) {
  const { event, ...state } = states[action]
  const before = model.queues.get(at) ?? { paused: false, drain: false, reason: null }
  const same = before.paused === state.paused && before.drain === state.drain
  // A reason stays until the queue is started again, or another one is given.
  const kept = before.paused && state.paused ? before.reason : null
  if (!same || reason !== undefined) {
    model.queues.set(at, { ...state, reason: reason ?? kept })
    model.steps.push({ event: `${event} ${at}` })
  }
  const answer = await world.post('/api/v1/jobs/queue/control', { ...scopeOf(at), action, reason })
  expect(answer).toMatchObject({ status: 200, body: state })
  return undefined
}

export async function setThreshold({ world, model }: Session, { at, threshold }: CommandOf<'threshold'>) {
  const before = model.thresholds.get(at) ?? null
  if (threshold !== before) model.steps.push({ event: `queue.threshold_set ${at}` })
  if (threshold === null) model.thresholds.delete(at)
  else model.thresholds.set(at, threshold)
  const request = { ...scopeOf(at), action: 'set', quarantine_threshold: threshold }
  expect(await world.post('/api/v1/jobs/queue/control', request)).toMatchObject({
    status: 200,
    body: { quarantine_threshold: threshold, before: { quarantine_threshold: before } },
  })
  return undefined
}

/** Everything that only reads. */
export async function look({ world, model }: Session, { scope }: CommandOf<'look'>) {
  const { domain = '', queue = '', job_type = '' } = scope
  const counts = await world.call('GET', `${paths.stats}?${new URLSearchParams({ domain, queue, job_type })}`)
  expect(counts.body).toEqual(stats(model, scope))
  for (const at of places) {
    const { paused, drain } = model.queues.get(at) ?? { paused: false, drain: false }
    const status = await world.call('GET', `/api/v1/jobs/queue/status?${new URLSearchParams(scopeOf(at))}`)
    const threshold = model.thresholds.get(at)
    expect(status.body).toEqual({ paused, drain, ...(threshold !== undefined && { quarantine_threshold: threshold }) })
  }
  const stopped = [...model.queues]
    .sort()
    .flatMap(([at, state]) => (state.paused ? [{ ...scopeOf(at), ...state }] : []))
  const { body } = await world.call('GET', '/api/v1/jobs/queues')
  expect(body).toEqual(stopped.map((queue) => ({ ...queue, updated_at: expect.any(String) })))
  return undefined
}

type Change = CommandOf<'prune' | 'sweep' | 'requeue' | 'integrity'>

/** What an operator decides. */
export async function sendChange({ world, model }: Session, command: Change) {
  const { path, body, outcome, answered } = changeOf({ model }, command)
  const answer = await world.confirm(path, body)
  if (typeof outcome !== 'number') return expectRefusal(answer, outcome)
  expect(answer).toMatchObject({ status: 200, body: answered(outcome) })
  return undefined
}

function changeOf({ model }: Pick<Session, 'model'>, command: Change) {
  const { scope, dry_run, max } = command
  const shared = { scope, dry_run, max }
  const body = { ...scope, dry_run, max }
  switch (command.call) {
    case 'prune': {
      const { statuses, older_than_days } = command
      const outcome = prune(model, { ...shared, statuses, older_than_days })
      return {
        path: paths.prune,
        body: { ...body, statuses, older_than_days },
        outcome,
        answered: (deleted: number) => ({ deleted }),
      }
    }
    case 'sweep': {
      const { limits, action } = command
      const outcome = sweep(model, { ...shared, ...limits, action })
      return {
        path: paths.sweep,
        body: { ...body, ...limits, action },
        outcome,
        answered: (affected: number) => ({ affected }),
      }
    }
    case 'requeue': {
      const inDomain = { ...scope, domain: command.domain }
      const job_id = command.pick === undefined ? undefined : newest(model.jobs, command.pick)?.row.id
      const outcome = requeue(model, { ...shared, scope: inDomain, job_id })
      return {
        path: paths.requeue,
        body: { ...body, ...inDomain, job_id },
        outcome,
        answered: (affected: number) => ({ affected }),
      }
    }
    case 'integrity': {
      const outcome = integrity(model, shared)
      const answered = (n: number) => ({ non_processing_with_lease: 0, processing_expired: n, fixed: dry_run ? 0 : n })
      return { path: paths.integrity, body: { ...scope, fix: !dry_run, max }, outcome, answered }
    }
  }
}
