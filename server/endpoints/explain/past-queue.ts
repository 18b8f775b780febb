import type { QueueExplanation } from '../../../shared/explain/queue.ts'
import type { Finding } from '../../../shared/explain/reason.ts'
import type { GroupStats } from '../../../shared/queues/stats.ts'
import { callerName } from '../../auth/oidc/known-callers.ts'
import type { Telling } from '../../call.ts'
import { inScope, isQueueWithin, type Within } from '../../database/scope.ts'
import { type Sql, staticFragment } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import type { Queue } from '../../lifecycle/lease/due.ts'
import { pastStats, refuseFuture } from '../queues/past-stats.ts'
import { describeFinding } from './describe-finding.ts'
import { readLine } from './line.ts'
import { pastQueueSentence } from './sentences.ts'

interface Asked extends Telling {
  queue: Within<Queue>
  at: string
}

/**
 * A queue as it was at a moment: its counts by the depths, whether it was stopped by the events.
 * @returns undefined for a queue of which nothing is known then
 * @throws Failure `invalid_request` for a moment to come
 */
export async function explainPast(sql: Sql, { queue, at, ...telling }: Asked): Promise<QueueExplanation | undefined> {
  await refuseFuture(sql, at)
  const { domain, queue: name } = queue
  const groups = await pastStats(sql, queue, at)
  const stop = await findStopAt(sql, { queue, at, ...telling })
  if (groups.length === 0 && stop.length === 0) return undefined
  const sum = (count: (group: GroupStats) => number) => groups.reduce((all, group) => all + count(group), 0)
  const [first] = groups
  const processing = sum((group) => group.processing)
  const past = {
    domain,
    queue: name,
    as_of: first?.as_of ?? at,
    at,
    ...(first?.at_least !== undefined && { at_least: first.at_least }),
    due: sum((group) => group.queued),
    scheduled: sum((group) => group.scheduled),
    processing,
    quarantined: sum((group) => group.quarantined),
    leased: processing,
    workers: 0,
    oldest_wait: servedBy(sql).mode === 'own' ? await oldestWait(sql, queue, at) : null,
  }
  const reasons = stop.map((finding) => ({ ...describeFinding(finding, { now: at }), remedy: null }))
  return { ...past, reasons, sentence: pastQueueSentence(past) }
}

interface Decision {
  type: string
  since: string
  by: string | null
  why: string | null
}

/**
 * Whether the queue was stopped: by the last event of a stop or a resume before the moment. Another program that stops or resumes a queue writes no
 * event. Where it has done so after that event and before the moment, its row counts; what it did before it did something else, nobody knows.
 */
async function findStopAt(sql: Sql, { queue, at, redactor, may }: Asked): Promise<Finding[]> {
  const { domain, queue: name } = queue
  const [decision] = await sql<Decision[]>`
    (
      select event_type as type, created_at as since, ${callerName(sql, sql`(job_events.attrs_json ->> 'caller')`, may)} as by, attrs_json ->> 'reason' as why
      from job_events
      where domain = ${domain}::text and queue = ${name}::text
        and event_type in ('queue.paused', 'queue.drained', 'queue.resumed')
        and created_at <= ${at}::text::timestamptz ${isQueueWithin(sql, queue.within)}
      order by id desc
      limit 1
    )
    union all
    select
      case when drain then 'queue.drained' when paused then 'queue.paused' else 'queue.resumed' end, updated_at, null, null
    from job_queue_controls
    where domain = ${domain}::text and queue = ${name}::text and updated_at <= ${at}::text::timestamptz
      ${isQueueWithin(sql, queue.within)}
    -- A server writes both at the same time, and the event says more. A stop without a reason of a queue that is stopped already (pause, then drain)
    -- keeps the time of the row; its event is later.
    order by since desc, by nulls last
    limit 1`
  if (!decision || decision.type === 'queue.resumed') return []
  const { type, since, by, why } = decision
  const facts = { domain, queue: name, since, by, why: why === null ? null : redactor.text(why) }
  return [{ code: type === 'queue.drained' ? 'queue_draining' : 'queue_paused', facts }]
}

/** The most jobs that are looked at: those that were made last before the moment, and the one that is due for the longest time now. */
const mostRead = 20_000

/**
 * The job that had waited longest, as far as rows tell: one that is in line since then, or one that was leased later for the first time since it
 * was due. Its wait is a lower bound: other jobs were not looked at, or have been deleted.
 */
async function oldestWait(sql: Sql, queue: Within<Queue>, at: string): Promise<QueueExplanation['oldest_wait']> {
  const { oldest_wait } = await readLine(sql, queue)
  const [found] = await sql<NonNullable<QueueExplanation['oldest_wait']>[]>`
    select id, due as due_since, extract(epoch from ${at}::text::timestamptz - due)::float8 as seconds
    from (
      (select ${columns(sql)} from jobs where created_at <= ${at}::text::timestamptz order by created_at desc, id desc
        limit ${sql.unsafe(String(mostRead))})
      union
      (select ${columns(sql)} from jobs where id = ${oldest_wait?.id ?? null} and created_at <= ${at}::text::timestamptz)
    ) as made
    where due > '-infinity' and due <= ${at}::text::timestamptz
      and (acquired_at > ${at}::text::timestamptz or (acquired_at is null and status = 'queued'))
      and not exists (
        select from job_events
        where job_events.job_id = made.id and event_type = 'job.acquired'
          and job_events.created_at between made.due and ${at}::text::timestamptz
      )
      ${inScope(sql, queue)}
    order by due, id
    limit 1`
  return found ?? null
}

const columns = staticFragment(
  (sql) => sql`id, domain, queue, job_type, status, acquired_at, coalesce(available_at, created_at) as due`,
)
