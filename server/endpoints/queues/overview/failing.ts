import type { Failing } from '../../../../shared/queues/overview.ts'
import { callerName } from '../../../auth/oidc/known-callers.ts'
import type { Telling } from '../../../call.ts'
import { clusterDigits, clusterId, patternOf } from '../../../database/error-pattern.ts'
import { planForParameters } from '../../../database/planner-hints.ts'
import type { Narrowed } from '../../../database/scope.ts'
import type { Sql, Transaction } from '../../../database/sql.ts'
import { unlessOverdue } from '../../../database/timeouts.ts'
import { type Basis, type QueueMinute, queueItems, readMinutes } from '../../../history/queue-minutes.ts'
import { newestFailures } from '../../jobs/clusters-read.ts'

/** A queue whose jobs fail now. */
export interface FailingQueue {
  domain: string
  queue: string
  per_minute: number
}

/** How far back the begin of a failure is looked for, in seconds. */
const lookBack = 6 * 3600
/** A minute without failures this long, in seconds, is before the begin. */
const longestPause = 600
/** The most failed jobs that are read, the newest first; and the most different messages that are folded, those of the most jobs first. */
const mostFailures = 2000
const mostMessages = 1000

interface Reading {
  tx: Transaction
  basis: Basis
  scope: Narrowed
  /** Seconds since 1970. */
  now: number
  masked: (text: string) => string
  may: Telling['may']
}

/** Of queues that fail: since when, for what, and after which mark. */
export async function describeFailing(call: Reading, queues: readonly FailingQueue[]): Promise<Failing[]> {
  if (queues.length === 0) return []
  const { tx, scope, masked } = call
  const begun = await readBegins(call, queues)
  const causes = await readCauses(tx, { scope, queues, since: Math.min(...begun.map(({ at }) => at)) })
  const failing = queues.map((queue, nth): Omit<Failing, 'mark'> => {
    const { at, isOrBefore } = begun[nth] ?? { at: call.now, isOrBefore: false }
    const cause = causes?.find((row) => row.nth === nth + 1)
    return {
      kind: 'failing',
      ...queue,
      // The minute has the first failure somewhere; the job itself, where it was read, knows when.
      since: !isOrBefore && cause && cause.first_at >= at && cause.is_whole ? cause.first_seen : timeOf(at),
      since_or_before: isOrBefore,
      error_code: cause?.code || null,
      pattern: cause ? masked(cause.pattern) : null,
      cluster: cause ? clusterId(cause.digits) : null,
      jobs: cause?.jobs ?? 0,
      owners: cause?.owners ?? 0,
      at_least: !cause?.is_whole,
    }
  })
  const marks = scope.within === undefined ? await readMarksBefore(tx, failing, call.may) : []
  return failing.map((row, nth) => {
    const mark = marks.find((one) => one.nth === nth + 1)
    return { ...row, mark: mark ? { text: mark.text, at: mark.at, by: mark.by } : null }
  })
}

const timeOf = (seconds: number): string => new Date(1000 * seconds).toISOString()

/** Since when each queue fails, by the minute: the first minute of the last row of failures without a long pause. */
async function readBegins(
  { tx, basis, scope, now }: Reading,
  queues: readonly FailingQueue[],
): Promise<{ at: number; isOrBefore: boolean }[]> {
  const to = 60 * Math.floor(now / 60) + 60
  const from = to - lookBack
  const minutes = await tx.savepoint((of) => readMinutes(of, basis, { queues, scope, from, to })).catch(unlessOverdue)
  return queues.map(({ per_minute }, nth) => {
    const failed = (minutes ?? [])
      .filter((minute) => minute.nth === nth + 1 && minute.failed > 0)
      .toSorted((one, other) => other.at - one.at)
    const isMany = (minute: QueueMinute) => minute.failed >= per_minute / 5
    let at = to - 300
    for (const minute of failed.filter(isMany)) {
      if (at - minute.at > longestPause) break
      at = Math.min(at, minute.at)
    }
    // It may have begun at the end of the minute before.
    if (failed.some((minute) => minute.at === at - 60)) at -= 60
    return { at, isOrBefore: minutes === undefined || at - from <= longestPause }
  })
}

interface Cause {
  nth: number
  code: string
  pattern: string
  digits: string
  jobs: number
  owners: number
  first_seen: string
  first_at: number
  is_whole: boolean
}

interface Asked {
  scope: Narrowed
  queues: readonly FailingQueue[]
  /** Seconds since 1970. */
  since: number
}

/**
 * The state, code and pattern that most of the newest failed jobs of each queue have in common; undefined where that takes too long to
 * read. Each different message is folded once. Of more messages than are folded, the others are left out, and the numbers are lower bounds.
 */
const readCauses = async (tx: Transaction, { scope, queues, since }: Asked): Promise<readonly Cause[] | undefined> =>
  tx
    .savepoint(async (of) => {
      await of`select ${planForParameters(of)}`
      return of<Cause[]>`
      with failures as materialized (
        ${newestFailures(of, { scope, since: timeOf(since), most: mostFailures })}
      ),
      of_queues as materialized (
        select nth, status, code, message, owner_user_id, seen
        from ${queueItems(of, queues)}
        join failures using (domain, queue)
      ),
      messages as materialized (
        select nth, status, code, message, pattern
        from (
          select nth, status, code, message, ${patternOf(of, of`message`)} as pattern
          from (
            select nth, status, code, message
            from of_queues
            group by nth, status, code, message
            order by count(*) desc, max(seen) desc
            limit ${of.unsafe(String(mostMessages))}
          ) as texts
          offset 0
        ) as folded
      ),
      causes as (
        select
          nth, status, code, pattern, count(*) as jobs, count(distinct owner_user_id) as owners,
          min(seen) as first_seen, extract(epoch from min(seen))::float8 as first_at,
          row_number() over (partition by nth order by count(*) desc, code collate "C", pattern collate "C") as place
        from of_queues
        join messages using (nth, status, code, message)
        group by nth, status, code, pattern
      )
      select
        nth, code, pattern, ${clusterDigits(of, { state: of`status`, code: of`code`, pattern: of`pattern` })} as digits,
        jobs, owners, first_seen, first_at,
        (select count(*) from failures) < ${of.unsafe(String(mostFailures))}
          and (select count(*) from messages) < ${of.unsafe(String(mostMessages))} as is_whole
      from causes
      where place = 1`
    })
    .catch(unlessOverdue)

interface MarkRow {
  nth: number
  text: string
  at: string
  by: string
}

/** The last mark in the hour before each failure, with the name of who made it. A failure may be known by its minute alone. */
const readMarksBefore = (sql: Sql, failing: readonly Pick<Failing, 'since'>[], may: Telling['may']) => sql<MarkRow[]>`
  select nth, mark.text, mark.created_at as at, ${callerName(sql, sql`mark.caller`, may)} as by
  from unnest(${failing.map(({ since }) => since)}::text[]) with ordinality as item (since, nth)
  cross join lateral (
    select text, created_at, caller
    from jobsctl_marks
    where created_at <= item.since::timestamptz + interval '59 seconds' and created_at > item.since::timestamptz - interval '1 hour'
    order by created_at desc, id desc
    limit 1
  ) as mark`
