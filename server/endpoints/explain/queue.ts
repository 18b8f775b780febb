import { Failure } from '../../../shared/errors.ts'
import { mostLeased } from '../../../shared/explain/phrases.ts'
import type { QueueExplanation } from '../../../shared/explain/queue.ts'
import type { Finding } from '../../../shared/explain/reason.ts'
import type { Reading, Telling } from '../../call.ts'
import type { Within } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { placeOf } from '../../engines/served.ts'
import type { Queue } from '../../lifecycle/lease/due.ts'
import type { InputOf } from '../handlers.ts'
import { stats } from '../queues/stats.ts'
import { describeFinding } from './describe-finding.ts'
import { findBlocked, type Line, readLine } from './line.ts'
import { explainPast } from './past-queue.ts'
import { findingsOfThrottle, findStop, readThrottle, type Throttled } from './queue-stop.ts'
import { queueSentence } from './sentences.ts'
import { findSilence } from './worker-signs.ts'

/**
 * Every reason why nothing of a queue runs, now or at a moment in the past.
 * @throws Failure `not_found` for a queue that never had a job, a stop or a throttle
 */
export async function explainQueue(
  { sql, within, ...telling }: Reading & Telling,
  { at, ...asked }: InputOf<'explainQueue'>,
): Promise<QueueExplanation> {
  const queue = { ...asked, within }
  const explanation = await sql.begin(async (tx) => {
    await tx`select ${limitReadTime(tx)}`
    if (at !== undefined) return explainPast(tx, { queue, at, ...telling })
    const now = await lookAtQueue(tx, queue, telling)
    const held = placeOf(tx, queue.domain) ? 'running' : 'leased'
    return now && explained(queue, { ...now, held, around: [...now.around, ...(await findSilence(tx, queue))] })
  })
  if (!explanation) {
    throw new Failure('not_found', whyUnknown(sql, queue, at), {
      hint: 'GET /api/v1/jobs/stats lists the queues',
    })
  }
  return explanation
}

/** Why a queue is not explained. Other engines delete jobs, so that nobody knows whether there was one. */
function whyUnknown(sql: Sql, { domain, queue }: Queue, at: string | undefined): string {
  const name = `${domain}/${queue}`
  if (at !== undefined) return `no job is known to have been in ${name} then`
  return placeOf(sql, domain) ? `no job is in ${name} now` : `there was never a job in ${name}`
}

/** The counts of a queue, its line, and what keeps its jobs; undefined for a queue that never had a job, a stop or a throttle. */
export async function lookAtQueue(sql: Sql, queue: Within<Queue>, telling: Telling): Promise<Found | undefined> {
  const counts = await countsOf(sql, queue)
  const line = await readLine(sql, queue)
  const stopped = await findStop(sql, queue, telling)
  const throttle = await readThrottle(sql, queue, telling)
  const stop = [...stopped, ...findingsOfThrottle(throttle, queue, telling)]
  if (!counts && !throttle && stop.length === 0) return undefined
  const around = [...stop, ...(await findOfEngine(sql, queue)), ...(await findBlocked(sql, queue, line))]
  return { counts: counts ?? none, line, throttle, around }
}

/** What keeps the queue of another engine. */
async function findOfEngine(sql: Sql, queue: Within<Queue>): Promise<Finding[]> {
  const place = placeOf(sql, queue.domain)
  return (await place?.adapter.queueReasons?.(place.of, [place.found], queue)) ?? []
}

interface Counts {
  due: number
  scheduled: number
  processing: number
  quarantined: number
}

const none: Counts = { due: 0, scheduled: 0, processing: 0, quarantined: 0 }

/** Undefined for a queue that never had a job. */
async function countsOf(sql: Sql, { within, ...queue }: Within<Queue>): Promise<Counts | undefined> {
  const groups = await stats({ sql, within }, queue)
  if (groups.length === 0) return undefined
  return groups.reduce(
    (sum, { queued, scheduled, processing, quarantined }) => ({
      due: sum.due + queued,
      scheduled: sum.scheduled + scheduled,
      processing: sum.processing + processing,
      quarantined: sum.quarantined + quarantined,
    }),
    none,
  )
}

interface Found {
  counts: Counts
  line: Line
  throttle: Throttled | undefined
  /** What was found beside the counts. */
  around: Finding[]
}

interface Explaining extends Found {
  held: 'leased' | 'running'
}

function explained({ domain, queue }: Queue, { counts, line, around, held }: Explaining): QueueExplanation {
  const { now, leased, workers, oldest_wait } = line
  const findings = [...around, ...findingsOfCounts(counts, line)]
  const explanation = {
    domain,
    queue,
    as_of: now,
    ...counts,
    leased,
    ...(leased >= mostLeased && { leased_at_least: true }),
    workers,
    oldest_wait,
    reasons: findings.map((finding) => describeFinding(finding, { now })),
  }
  return { ...explanation, sentence: queueSentence(explanation, held) }
}

/** What the numbers say: jobs that are due are the business of the other findings. */
function findingsOfCounts({ due, quarantined, ...counts }: Counts, line: Line): Finding[] {
  const { leased, workers, next_due_at, next_due_in, oldest_wait, blocked = 0 } = line
  if (due > 0 || oldest_wait !== null) return []
  // An engine counts jobs that wait for others as scheduled.
  const scheduled = counts.scheduled - blocked
  const leases: Finding[] = leased > 0 ? [{ code: 'all_leased', facts: { jobs: leased, workers } }] : []
  const later: Finding[] =
    scheduled > 0 ? [{ code: 'nothing_due', facts: { scheduled, next_due_at, seconds: next_due_in } }] : []
  if (leases.length === 0 && later.length === 0 && blocked === 0) return [{ code: 'empty', facts: { quarantined } }]
  return [...leases, ...later]
}
