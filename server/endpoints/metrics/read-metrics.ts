import type { GroupStats } from '../../../shared/queues/stats.ts'
import { readCountsState } from '../../counts/trust.ts'
import { type DoneTask, readTasks } from '../../database/installation/background-tasks.ts'
import { preferIndexOrder } from '../../database/planner-hints.ts'
import { type ReadReplica, whileAnswering } from '../../database/replica/read-replica.ts'
import type { Pool, Sql, Transaction } from '../../database/sql.ts'
import { limitScrapeTime, unlessOverdue } from '../../database/timeouts.ts'
import { countWaitingPlans } from '../plans/plan-row.ts'
import { readThrottles } from '../queues/queues.ts'
import { countGroups } from './group-counts.ts'
import { readHistoryTotals } from './history-series.ts'
import type { GroupList, KnownGroups } from './known-groups.ts'
import type { LeaseOwners } from './lease-owners.ts'
import type { OldestReady, ReadyAge } from './oldest-ready.ts'
import type { OperationTotal, OperationTotals } from './operation-totals.ts'
import {
  countJobs,
  type LeaseOwner,
  readLastAcquires,
  readSizes,
  readStopped,
  readWhole,
  readWorkers,
  type WholeDatabase,
} from './readings.ts'

/** What one scrape reads: what is about jobs in one snapshot of the database, the rest in another. */
export interface Readings {
  /** Everything that was committed before this time is in what is counted of the jobs; undefined where that was read at the primary. */
  asOf?: string
  /** Why the jobs were not counted, where row-level security hides some of them. */
  hides?: string | undefined
  /** Undefined while the counts are not exact and the jobs are too many to be counted. */
  groups: readonly GroupStats[] | undefined
  /** Undefined where there are no groups, or an index is missing and the table is large. */
  readyAges: readonly ReadyAge[] | undefined
  areCountsExact: boolean
  lastAcquires: readonly Awaited<ReturnType<typeof readLastAcquires>>[number][]
  /** Undefined where an index is missing and the table is large. */
  workers: readonly Awaited<ReturnType<typeof readWorkers>>[number][] | undefined
  /** The same. */
  counted: Awaited<ReturnType<typeof countJobs>> | undefined
  stopped: readonly Awaited<ReturnType<typeof readStopped>>[number][]
  throttles: readonly Awaited<ReturnType<typeof readThrottles>>[number][]
  operations: readonly OperationTotal[]
  sizes: Awaited<ReturnType<typeof readSizes>>
  tasks: readonly DoneTask[]
  history: Awaited<ReturnType<typeof readHistoryTotals>>
  whole: WholeDatabase
  plansWaiting: number
}

/**
 * Reads counts that are kept, and single entries of indexes, in two transactions at the same time. No statement takes longer than 1 s. Where
 * one of those about jobs would, such as without an index, they are read one after the other; the others are read once more, and those of
 * the history last.
 */
export async function readMetrics(
  sql: Pool,
  { leaseOwners, list, oldestReady, totals }: Kept,
  replica: ReadReplica | undefined,
): Promise<Readings> {
  const [owners, known] = await Promise.all([leaseOwners.read(), list.read()])
  const inSnapshot = <T>(read: (tx: Transaction) => Promise<T>) =>
    sql.begin('isolation level repeatable read read only', read)
  const reading = { oldestReady, known }
  const jobsAt = await jobsAtReplica(replica, (tx) => readTogether(tx, reading))
  const [jobs, rest] = await Promise.all([
    jobsAt ?? inSnapshot((tx) => readTogether(tx, reading)).catch(unlessOverdue),
    inSnapshot(async (tx) => {
      const [certain, history] = await Promise.all([readCertain(tx, totals, owners), readHistoryTotals(tx)])
      return { ...certain, history }
    }).catch(unlessOverdue),
  ])
  return {
    ...(rest ?? (await inSnapshot((tx) => readRestInTurn(tx, totals, owners)))),
    ...(jobs ?? (await inSnapshot((tx) => readInTurn(tx, reading)))),
  }
}

/**
 * What is counted of the jobs, at the replica; undefined where it may not answer, or fails. The totals are read at the primary alone: a counter that
 * went back would count as one that began again.
 */
async function jobsAtReplica(
  replica: ReadReplica | undefined,
  read: (tx: Transaction) => Promise<OfJobs>,
): Promise<(OfJobs & Pick<Readings, 'asOf'>) | undefined> {
  const seen = await replica?.look()
  if (!replica || seen?.asOf === undefined) return undefined
  const { asOf } = seen
  return whileAnswering(replica.sql.begin('isolation level repeatable read read only', read), replica)
    .then((jobs) => ({ ...jobs, asOf }))
    .catch(() => undefined)
}

/** What a server keeps between two scrapes. */
export interface Kept {
  totals: OperationTotals
  leaseOwners: LeaseOwners
  list: Pick<GroupList, 'read'>
  oldestReady: OldestReady
}

interface Reading extends Pick<Kept, 'oldestReady'> {
  known: KnownGroups
}

type OfJobs = Pick<Readings, 'groups' | 'readyAges' | 'counted'>

/** Sends the statements together, and the ages of the oldest jobs after the counts. */
async function readTogether(tx: Transaction, { oldestReady, known }: Reading): Promise<OfJobs> {
  // What is executed is sent before what is only awaited, and the counts before the hint, with which they take twice as long.
  const limited = tx`select ${limitScrapeTime(tx)}`.execute()
  const counts = countGroups(tx)
  const preferring = tx`select ${preferIndexOrder(tx)}`.execute()
  const ages = counts.then((groups) => oldestReady.read(tx, groups, known))
  const [groups, readyAges, counted] = await Promise.all([counts, ages, countJobs(tx), limited, preferring])
  return { groups, readyAges, counted }
}

async function readInTurn(tx: Transaction, reading: Reading): Promise<OfJobs> {
  await tx`select ${limitScrapeTime(tx)}`
  const groups = await tx.savepoint(countGroups).catch(unlessOverdue)
  // These stop after a number of rows: without the hint they would read all of them, and sort them.
  await tx`select ${preferIndexOrder(tx)}`
  const counted = await tx.savepoint(countJobs).catch(unlessOverdue)
  const readyAges = groups && (await readAgesInTurn(tx, groups, reading))
  return { groups, readyAges, counted }
}

const readAgesInTurn = (tx: Transaction, groups: readonly GroupStats[], { oldestReady, known }: Reading) =>
  tx
    .savepoint((sp) => oldestReady.read(sp, groups, known))
    .catch((error: unknown) => {
      unlessOverdue(error)
      oldestReady.tookTooLong()
      return undefined
    })

type Certain = Omit<Readings, keyof OfJobs | 'history'>

async function readRestInTurn(
  tx: Transaction,
  totals: OperationTotals,
  owners: readonly LeaseOwner[] | undefined,
): Promise<Certain & Pick<Readings, 'history'>> {
  const certain = await readCertain(tx, totals, owners)
  const history = await tx.savepoint(readHistoryTotals).catch(unlessOverdue)
  return { ...certain, history: history ?? { why: 'reading the totals of all groups takes too long' } }
}

/** The most throttled queues that have series. */
const mostThrottles = 1000

/** What is read at once however many jobs there are. */
async function readCertain(
  tx: Sql,
  totals: OperationTotals,
  owners: readonly LeaseOwner[] | undefined,
): Promise<Certain> {
  const limited = tx`select ${limitScrapeTime(tx)}`.execute()
  const [state, lastAcquires, stopped, throttles, operations, sizes, tasks, whole, plansWaiting, workers] =
    await Promise.all([
      readCountsState(tx),
      readLastAcquires(tx),
      readStopped(tx),
      readThrottles(tx, mostThrottles),
      totals.read(tx),
      readSizes(tx),
      readTasks(tx),
      readWhole(tx),
      countWaitingPlans(tx),
      owners && readWorkers(tx, owners),
      limited,
    ])
  const areCountsExact = state.triggers !== null && state.triggers === state.trusted
  return { areCountsExact, lastAcquires, stopped, throttles, operations, sizes, tasks, whole, plansWaiting, workers }
}
