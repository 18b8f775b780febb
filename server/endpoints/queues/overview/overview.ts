import type { Attention, Overview } from '../../../../shared/queues/overview.ts'
import type { RunningChange } from '../../../../shared/queues/stats-stream.ts'
import { callerName, findCallerNames, seesPeople } from '../../../auth/oidc/known-callers.ts'
import type { Reading, Telling } from '../../../call.ts'
import { readFreeze } from '../../../database/installation/freeze.ts'
import { inQueueScope, type Narrowed } from '../../../database/scope.ts'
import type { Sql, Transaction } from '../../../database/sql.ts'
import { limitReadTime, unlessOverdue } from '../../../database/timeouts.ts'
import { type Basis, type QueueFlow, readFlows, whatIsTold } from '../../../history/queue-minutes.ts'
import type { InputOf } from '../../handlers.ts'
import { runningChanges } from '../live-stats.ts'
import { readThrottles } from '../queues.ts'
import { readStale } from '../stale.ts'
import { statedReason, stoppedBy } from '../stated-reason.ts'
import { readBasis } from './basis.ts'
import { describeFailing } from './failing.ts'
import { findSilences, mostLookedAt, quietMinutes } from './no-workers.ts'
import { readQueueCounts } from './queue-counts.ts'
import { type QueueRow, rowsOf, type StopRow, totalsOf } from './queue-rows.ts'

/** The most queues of the answer, sentences of each kind, and throttles and stops that are read. */
const mostQueues = 2000
const mostFailing = 5
const mostOfKind = 15
const mostSettings = 10_000

/** How many minutes the rates are of, the one that goes on among them. */
const rateMinutes = 5

/** A queue fails where at least two jobs failed within these minutes, and two in a hundred of those that ended. */
const leastFailed = 2
const leastShare = 0.02

/** What all queues do now, and what needs somebody: a few statements in one snapshot, each of them bounded. */
export const overview = (
  { sql, within, redactor, may }: Reading & Telling,
  asked: InputOf<'overview'>,
): Promise<Overview> =>
  sql.begin('isolation level repeatable read read only', async (tx) => {
    const scope = { ...asked, within }
    // Sent together, the moment first, because it limits the time of the others.
    const [{ as_of, now, database }, { basis, why }, freeze, marked, stale, throttles, stops, operations, counts] =
      await Promise.all([
        readMoment(tx),
        readBasis(tx),
        readFreeze(tx),
        within === undefined ? readMarked(tx) : null,
        readStale(tx, scope),
        readThrottles(tx, mostSettings),
        readStops(tx, scope, may),
        runningChanges(tx, within),
        readQueueCounts({ sql: tx, within }, asked),
      ])
    const range = { from: 60 * Math.floor(now / 60) - 60 * (rateMinutes - 1), to: now }
    const flows = basis === null ? undefined : await flowsOf(tx, basis, scope, range)
    const masked = (text: string) => redactor.text(text)
    const rows = rowsOf(counts, {
      ...{ flows, stale, throttles, minutes: (range.to - range.from) / 60 },
      stops: stops.map((stop) => ({ ...stop, reason: stop.reason && masked(stop.reason) })),
    })
    const failing = failingOf(rows)
    const described =
      basis === null ? [] : await describeFailing({ tx, basis, scope, now, masked, may }, failing.slice(0, mostFailing))
    const silent = await silencesOf(tx, scope, { rows, now })
    const others = { no_worker: silent.known, expired: expiredOf(rows, stale), stopped: stoppedOf(rows) }
    return {
      ...{ as_of, database },
      frozen: freeze ? { by: freeze.by, reason: masked(freeze.reason) } : null,
      rates_of: flows === undefined ? null : basis,
      why,
      marked,
      totals: totalsOf(rows, flows !== undefined && tells(tx, basis)),
      attention: [...described, ...Object.values(others).flatMap((some) => some.slice(0, mostOfKind))],
      more_of: (['no_worker', 'expired', 'stopped'] as const).filter(
        (kind) => others[kind].length > mostOfKind || (kind === 'no_worker' && silent.isMore),
      ),
      operations: await withNames(tx, operations, { masked, may }),
      failing_queues: failing.length,
      queues: rows.slice(0, mostQueues).map(({ shown }) => shown),
    }
  })

interface Moment {
  as_of: string
  now: number
  database: string
}

/** The moment of the snapshot. Limits the time of each statement that is sent after the call. */
async function readMoment(tx: Sql): Promise<Moment> {
  const [moment] = await tx<[Moment]>`
    select current_database() as database, now() as as_of, extract(epoch from now())::float8 as now, ${limitReadTime(tx)}`
  return moment
}

const tells = (sql: Sql, basis: Basis | null): boolean => basis === 'history' || whatIsTold(sql).completed

/** Undefined where it takes too long to read, or more jobs ended than are read. */
const flowsOf = (
  tx: Transaction,
  basis: Basis,
  scope: Narrowed,
  range: { from: number; to: number },
): Promise<readonly QueueFlow[] | undefined> =>
  tx.savepoint((of) => readFlows(of, basis, scope, range)).catch(unlessOverdue)

const readStops = (sql: Sql, { domain, queue, within }: Narrowed, may: Telling['may']) => sql<StopRow[]>`
  select
    stopped.domain, stopped.queue, coalesce(drain, false) as drain, updated_at as since,
    ${callerName(sql, sql`decision.caller`, may)} as by, stated.reason
  from (
    select * from job_queue_controls
    where (paused or drain) ${inQueueScope(sql, { domain, queue, within })}
  ) as stopped
  left join ${statedReason(sql, sql`stopped`)} as stated on true
  left join ${stoppedBy(sql, sql`stopped`)} as decision on true
  order by updated_at desc nulls last
  limit ${sql.unsafe(String(mostSettings))}`

async function readMarked(sql: Sql): Promise<boolean> {
  const [{ marked }] = await sql<[{ marked: boolean }]>`
    select exists (select from jobsctl_marks where created_at > now() - interval '30 days') as marked`
  return marked
}

/** The queues that fail, the worst first. */
const failingOf = (rows: readonly QueueRow[]) =>
  rows
    .flatMap(({ shown: { domain, queue, failed_per_minute: per_minute }, flow }) => {
      const failed = flow?.failed ?? 0
      const isFailing = failed >= leastFailed && failed >= leastShare * (failed + (flow?.done ?? 0))
      return isFailing && per_minute !== null ? [{ domain, queue, per_minute }] : []
    })
    .toSorted((one, other) => other.per_minute - one.per_minute)

/**
 * The queues with jobs for which no worker asks, those with the most jobs first. It notes in the rows since when.
 * @returns with whether there may be more: of many quiet queues the first are looked at
 */
async function silencesOf(
  tx: Transaction,
  scope: Narrowed,
  { rows, now }: { rows: readonly QueueRow[]; now: number },
): Promise<{ known: Attention[]; isMore: boolean }> {
  const quiet = new Map(
    rows
      .filter(({ shown: { waiting, oldest_due, stop }, flow }) => {
        const waits = waiting > 0 && oldest_due !== null && now - Date.parse(oldest_due) / 1000 > 60 * quietMinutes
        return waits && stop === null && !flow?.taken && !flow?.done && !flow?.failed
      })
      .toSorted((one, other) => other.shown.waiting - one.shown.waiting)
      .map((row) => [JSON.stringify([row.shown.domain, row.shown.queue]), row.shown]),
  )
  const asked = [...quiet.values()].map(({ domain, queue, oldest_due }) => ({
    domain,
    queue,
    oldest_due: oldest_due ?? '',
  }))
  if (quiet.size === 0) return { known: [], isMore: false }
  const silences = await tx.savepoint((of) => findSilences(of, scope, asked)).catch(unlessOverdue)
  const known = (silences ?? []).flatMap(({ domain, queue, since, workers }) => {
    const row = quiet.get(JSON.stringify([domain, queue]))
    if (!row) return []
    row.no_worker_since = since
    return { kind: 'no_worker', domain, queue, waiting: row.waiting, since, workers } as const
  })
  return { known, isMore: silences === undefined || quiet.size > mostLookedAt(tx) }
}

/** The queues with expired leases, those with the most first; one more than are told, where there are more. */
const expiredOf = (rows: readonly QueueRow[], stale: Awaited<ReturnType<typeof readStale>>): Attention[] =>
  rows
    .filter(({ shown }) => shown.expired > 0)
    .toSorted((one, other) => other.shown.expired - one.shown.expired)
    .slice(0, mostOfKind + 1)
    .map(({ shown: { domain, queue, expired } }) => {
      const since = stale.find((one) => one.domain === domain && one.queue === queue)?.oldest ?? null
      return { kind: 'expired', domain, queue, jobs: expired, since }
    })

/** The stopped queues, those with the most waiting jobs first. */
const stoppedOf = (rows: readonly QueueRow[]): Attention[] =>
  rows
    .flatMap(({ shown: { domain, queue, waiting, stop } }) =>
      stop === null ? [] : [{ kind: 'stopped' as const, domain, queue, waiting, ...stop }],
    )
    .toSorted((one, other) => other.waiting - one.waiting)

/** The changes with the names of who makes them. A reason may have what must not be shown. */
async function withNames(
  sql: Sql,
  operations: readonly RunningChange[],
  { masked, may }: { masked: (text: string) => string; may: Telling['may'] },
): Promise<Overview['operations']> {
  if (operations.length === 0) return []
  const callers = seesPeople(may) ? operations.map(({ caller }) => caller) : []
  const known = await findCallerNames(sql, callers)
  const names = new Map(known.map(({ id, name }) => [id, name]))
  return operations.map((operation) => ({
    ...operation,
    reason: operation.reason && masked(operation.reason),
    by: names.get(operation.caller) ?? operation.caller,
  }))
}
