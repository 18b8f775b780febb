import { Failure } from '../../../shared/errors.ts'
import type { EnqueuedJob, NewJob } from '../../../shared/work/enqueue.ts'
import { requireWithin } from '../../auth/require-scope.ts'
import type { SharedInsert, WorkCall } from '../../call.ts'
import { isUniqueViolation } from '../../database/errors/failure.ts'
import { afterChange } from '../../database/errors/outcome-unknown.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { refuseCycles } from '../../lifecycle/dependents/dependency-cycles.ts'
import { cancelLateDependents } from '../../lifecycle/dependents/late-dependents.ts'
import { asStored, claimOf, giveClaims, isUnique, lockClaims } from '../../lifecycle/insert/claims.ts'
import { type Entry, type EntryRow, findByKey, type Inserting, insertJobs } from '../../lifecycle/insert/insert-jobs.ts'
import { uuidV7 } from '../../lifecycle/insert/uuid-v7.ts'
import { type JobShape, type NamedJob, namedJob, wholeJob } from '../../lifecycle/job-row.ts'
import { rejectLarge } from '../../lifecycle/server-limits.ts'
import type { InputOf } from '../handlers.ts'
import { isContentHidden, withoutContent } from '../hidden.ts'

/**
 * Inserts a job, or finds the job that has its idempotency key.
 * @throws Failure `queue_draining`, `too_large`, `invalid_request` for its dependencies, `conflict`, or `forbidden` for a job outside of
 * the scope of the caller
 */
export async function enqueueJob(call: WorkCall, job: NewJob): Promise<EnqueuedJob> {
  const {
    jobs: [enqueued],
  } = await enqueueJobs(call, { jobs: [job] })
  if (!enqueued) throw new Failure('internal', 'the job was inserted, but could not be read')
  return enqueued
}

/**
 * Inserts jobs, all of them or none; a job whose idempotency key exists is answered as it is.
 * @throws as `enqueueJob`
 */
export async function enqueueJobs(call: WorkCall, { jobs }: InputOf<'enqueueBatch'>): Promise<{ jobs: EnqueuedJob[] }> {
  const enqueued = await enqueue(call, jobs, { shape: wholeJob, insertShared: call.sharedInsert.whole })
  // A job that existed may be another caller's, which only chose the same key.
  return { jobs: isContentHidden(call) ? enqueued.map(withoutContent) : enqueued }
}

/**
 * Inserts jobs as `enqueueJobs`, and answers their ids in the order of the request, and the indexes of those that existed already,
 * if there are any.
 * @throws as `enqueueJob`
 */
export async function enqueueMinimally(call: WorkCall, jobs: readonly NewJob[]) {
  const enqueued = await enqueue(call, jobs, { shape: namedJob, insertShared: call.sharedInsert.named })
  const existing = enqueued.flatMap(({ created }, index) => (created ? [] : [index]))
  const created = enqueued.length - existing.length
  const body = { ids: enqueued.map(({ id }) => id), created, ...(existing.length > 0 && { existing }) }
  return { body, created: created > 0 }
}

type Created<Row> = Row & { created: boolean }
type Enqueued<Row> = Map<number, Created<Row>>

/** What the answer has of a job, and the function that enqueues a single one together with those of other calls. */
interface Answering<Row extends NamedJob> {
  shape: JobShape<Row>
  insertShared: SharedInsert<Row>
}

async function enqueue<Row extends NamedJob>(
  call: WorkCall,
  jobs: readonly NewJob[],
  { shape, insertShared }: Answering<Row>,
): Promise<Created<Row>[]> {
  for (const [n, { payload }] of jobs.entries()) {
    const of = jobs.length === 1 ? 'the payload' : `the payload of jobs.${n}`
    rejectLarge(payload, { of, most: call.maxJsonBytes })
  }
  for (const job of jobs) requireWithin(call, job, `a job of ${job.domain}/${job.queue} ${job.job_type}`)
  const [job] = jobs
  const inserted = job && jobs.length === 1 ? await insertShared(call, job) : undefined
  if (inserted) {
    call.reportChangedRows(1)
    return [Object.assign(inserted, { created: true })]
  }
  const entries = jobs.map((job, n) => ({ n, uuid: uuidV7(), ...job }))
  await refuseCycles(call, entries.map(asStored))
  const enqueued = entries.some(isUnique)
    ? await insertUnderClaims(call, entries, shape)
    : await insertOrFind(call, entries, shape)
  await rereadLateDependents(call, { enqueued, jobs, shape }).catch(afterChange(enqueued.size))
  call.reportChangedRows([...enqueued.values()].filter(({ created }) => created).length)
  return jobs.flatMap((_, n) => enqueued.get(n) ?? [])
}

/**
 * Inserts jobs of which some have keys that end (`unique`). A job whose key another job holds is not inserted, and is answered as that job. The
 * claims of the keys stay locked until the end of the transaction.
 */
const insertUnderClaims = <Row extends NamedJob>(
  { sql, ...call }: WorkCall,
  entries: readonly Entry[],
  shape: JobShape<Row>,
): Promise<Enqueued<Row>> => {
  // A key that a batch has twice is the first job's.
  const firsts = new Map(
    entries
      .filter(isUnique)
      .toReversed()
      .map((entry) => [claimOf(entry), entry]),
  )
  const firstOf = (entry: Entry) => (isUnique(entry) ? firsts.get(claimOf(entry)) : undefined) ?? entry
  return retryDeadlock(() =>
    sql.begin('isolation level read committed', async (tx) => {
      const held = new Map((await lockClaims(tx, [...firsts.values()], shape)).map(({ n, job }) => [n, job]))
      const free = entries.filter((entry) => firstOf(entry) === entry && !held.has(entry.n))
      const enqueued = await insertOrFind({ ...call, sql: tx }, free.map(asStored), shape)
      await giveClaims(tx, free.filter(isUnique))
      for (const entry of entries) {
        const { n } = firstOf(entry)
        const job = held.get(n) ?? enqueued.get(n)
        if (job && !enqueued.has(entry.n)) enqueued.set(entry.n, { ...job, created: false })
      }
      return enqueued
    }),
  )
}

const tries = 5

/**
 * A job that is found by its key may be deleted before it is read. Its key is free then, so the insert is repeated.
 * @returns the job of each entry, by the index of the entry
 */
async function insertOrFind<Row extends NamedJob>(
  call: Inserting,
  entries: readonly Entry[],
  shape: JobShape<Row>,
): Promise<Enqueued<Row>> {
  const enqueued: Enqueued<Row> = new Map()
  const add = (rows: readonly EntryRow<Row>[], created: boolean) => {
    for (const { job, n } of rows) enqueued.set(n, Object.assign(job, { created }))
  }
  const missing = () => entries.filter(({ n }) => !enqueued.has(n))
  for (let tried = 1; missing().length > 0; tried++) {
    if (tried > tries) throw new Failure('conflict', conflictOf(missing()))
    const inserted = await insertJobs(call, missing(), shape).catch((error: unknown) => {
      // PostgreSQL may report the unique index of another program before ours: then a job with this key exists.
      if (!isUniqueViolation(error) || tried === tries) throw error
      return []
    })
    add(inserted, true)
    // A transaction takes back what it has inserted.
    const inserts = 'savepoint' in call.sql ? 0 : enqueued.size
    add(await findByKey(call.sql, missing(), shape).catch(afterChange(inserts)), false)
  }
  return enqueued
}

function conflictOf(missing: readonly Entry[]): string {
  if (missing.every(({ idempotency_key }) => idempotency_key !== undefined))
    return 'jobs with these idempotency keys are inserted and deleted all the time; try again'
  return 'a trigger in the database rejected the job without a reason'
}

/** A dependency may have ended badly during the insert. The jobs that are cancelled because of that are read again. */
async function rereadLateDependents<Row extends NamedJob>(
  call: WorkCall,
  { enqueued, jobs, shape }: { enqueued: Enqueued<Row>; jobs: readonly NewJob[]; shape: JobShape<Row> },
): Promise<void> {
  const waiting = [...enqueued].filter(
    ([n, { created, status }]) => created && status === 'queued' && jobs[n]?.depends_on,
  )
  const needs = waiting.flatMap(([n]) => jobs[n]?.depends_on ?? [])
  if (needs.length === 0) return
  const cancelled = new Set(await cancelLateDependents(call, needs))
  for (const [n, { id, uuid }] of waiting) {
    if (uuid === null || !cancelled.has(uuid)) continue
    const [job] = await call.sql<Row[]>`select ${shape.selected(call.sql)} from jobs where id = ${id}::job_id`
    if (job) enqueued.set(n, Object.assign(job, { created: true }))
  }
}
