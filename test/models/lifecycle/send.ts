import { expect } from 'vitest'
import { failures } from '../../../shared/errors.ts'
import { acquire as acquireOperation } from '../../../shared/work/acquire.ts'
import { EnqueuedJob, enqueueBatch } from '../../../shared/work/enqueue.ts'
import { Job, LeasedJob } from '../../../shared/work/job.ts'
import type { Answer } from '../../support/http.ts'
import { acquire, cancelOne, enqueue, handOut, type NewJob, type Refused } from './calls.ts'
import { type CommandOf, newest, type Place, type Wish, workers } from './commands.ts'
import { expired, type ModelJob, scopeOf, second } from './model.ts'
import { fieldsOf, inModelTime, type Session } from './observe.ts'

export function expectRefusal({ status, body }: Answer, { code }: Refused): undefined {
  expect({ status, body }).toMatchObject({ status: failures[code].status, body: { code } })
}

/** Jobs are answered as they are stored; those that are leased with the span of their enqueue. */
function expectStored({ rows, moved }: Session, jobs: Job[]): void {
  const stored = jobs.map((job) => {
    const row = rows.find(({ id }) => id === job.id) ?? {}
    return fieldsOf(row, 'traceparent' in job ? LeasedJob.shape : Job.shape)
  })
  expect(jobs.map((job) => inModelTime(job, moved))).toEqual(stored)
}

export async function sendEnqueue(session: Session, { jobs, batch }: CommandOf<'enqueue'>) {
  const { world, model, moved } = session
  const wanted = jobs.map((wish) => newJob(session, wish))
  const bodies = wanted.map((job) => bodyOf(job, moved))
  const one = jobs.length === 1 && !batch
  const outcome = enqueue(model, wanted)
  const answer = await world.post(one ? '/api/v1/jobs' : '/api/v1/jobs/batch', one ? bodies[0] : { jobs: bodies })
  if ('code' in outcome) return expectRefusal(answer, outcome)
  const enqueued = one ? [EnqueuedJob.parse(answer.body)] : enqueueBatch.output.parse(answer.body).jobs
  expect(enqueued.map(({ created }) => created)).toEqual(outcome.map(({ created }) => created))
  expect(answer.status).toBe(outcome.some(({ created }) => created) ? 201 : 200)
  for (const [n, { job, created }] of outcome.entries()) {
    if (created) Object.assign(job.row, { id: enqueued[n]?.id, uuid: enqueued[n]?.uuid })
    expect(enqueued[n]).toMatchObject({ id: job.row.id, uuid: job.row.uuid })
  }
  return () => expectStored(session, Job.array().parse(enqueued))
}

function newJob({ model, moved }: Session, wish: Wish): NewJob {
  const { at, type, owner = null, priority = 5, max_retries = 3, threshold = null, key = null } = wish
  const { due_in, needs, needs_nobody } = wish
  // Callers tell milliseconds.
  const now = Math.floor((model.now - moved) / 1000) * 1000 + moved
  return {
    ...{ at, job_type: type, owner, priority, max_retries, threshold, key },
    available_at: due_in === undefined ? null : now + due_in * 60 * second,
    needs: [...needs.flatMap((pick) => newest(model.jobs, pick) ?? []), ...(needs_nobody ? [undefined] : [])],
  }
}

/** What is as the contract presets it is left out. */
const bodyOf = (
  { at, owner, priority, max_retries, threshold, key, available_at, needs, job_type }: NewJob,
  moved: number,
) => ({
  ...{ ...scopeOf(at), job_type, payload: { page: 1 }, owner_user_id: owner, idempotency_key: key },
  ...(priority !== 5 && { priority }),
  ...(max_retries !== 3 && { max_retries }),
  quarantine_threshold: threshold,
  available_at: available_at === null ? null : new Date((available_at - moved) / 1000).toISOString(),
  ...(needs.length > 0 && { depends_on: needs.map((need) => need?.row.uuid ?? 'nobody') }),
})

interface AcquireRequest {
  at: Place
  worker: string
  lease: number
  limit: number
  job_types?: readonly string[] | undefined
  owner?: string | undefined
}

async function postAcquire(
  { world }: Session,
  { at, worker, lease, limit, job_types, owner }: AcquireRequest,
): Promise<Job[]> {
  const body = { ...scopeOf(at), worker_id: worker, lease_seconds: lease, limit, job_types, owner_user_id: owner }
  const answer = await world.post('/api/v1/jobs/acquire', body)
  expect(answer.status).toBe(200)
  return acquireOperation.output.parse(answer.body).jobs
}

export async function sendAcquire(session: Session, command: CommandOf<'acquire'>) {
  const picked = acquire(session.model, command)
  const jobs = await postAcquire(session, command)
  expect(jobs.map(({ id }) => id)).toEqual(picked.map(({ row }) => row.id))
  lend(session, picked, { jobs, ...command })
  return () => expectStored(session, jobs)
}

/** All workers ask at once: together they get what one would have got, and no job is given to two. */
export async function race(session: Session, { at, lease, limit }: CommandOf<'race'>) {
  // Who takes back what others left, and who finds it, is not for certain.
  if (expired(session.model, scopeOf(at)).length > 0) return
  const all = { at, limit: limit * workers.length, job_types: undefined, owner: undefined }
  const picked = acquire(session.model, all)
  const answers = await Promise.all(workers.map((worker) => postAcquire(session, { at, worker, lease, limit })))
  const place = ({ id }: Job) => picked.findIndex(({ row }) => row.id === id)
  const places = answers.map((jobs) => jobs.map(place))
  expect(places.flat().toSorted((a, b) => a - b)).toEqual([...picked.keys()])
  for (const [n, jobs] of answers.entries()) {
    expect(jobs.length).toBeLessThanOrEqual(limit)
    expect(places[n]).toEqual(places[n]?.toSorted((a, b) => a - b))
    lend(session, picked, { jobs, worker: workers[n] ?? '', lease })
  }
  return () => expectStored(session, answers.flat())
}

/** Tells the model who has which job now. */
function lend(
  { model }: Session,
  picked: ModelJob[],
  { jobs, worker, lease }: { jobs: Job[]; worker: string; lease: number },
) {
  for (const { id, lease_id } of jobs) {
    const job = picked.find(({ row }) => row.id === id)
    if (!job || lease_id === null) throw new Error(`job ${id} was given out without a lease`)
    expect(model.leases.map((held) => held.lease_id)).not.toContain(lease_id)
    handOut(model, job, { id, worker_id: worker, lease_id }, lease)
  }
}

export async function sendCancel({ world, model }: Session, { running, pick, force, reason }: CommandOf<'cancel'>) {
  const jobs = model.jobs.filter(({ row }) => !running || row.status === 'processing')
  const id = newest(jobs, pick)?.row.id ?? 999_999
  const outcome = cancelOne(model, id, { force, reason })
  const answer = await world.post(`/api/v1/jobs/${id}/cancel`, { force, reason })
  if ('code' in outcome) return expectRefusal(answer, outcome)
  expect(answer).toMatchObject({ status: 200, body: { id, ...outcome } })
  return undefined
}
