import type { GroupStats } from '../../../shared/queues/stats.ts'
import { readCountsState } from '../../counts/trust.ts'
import { hasCode } from '../../database/errors/error-meanings.ts'
import { type DoneTask, readTasks } from '../../database/installation/background-tasks.ts'
import { preferIndexOrder } from '../../database/planner-hints.ts'
import { limitScrapeTime } from '../../database/read-timeout.ts'
import type { Pool, Sql } from '../../database/sql.ts'
import { groupKey } from '../queues/group-key.ts'
import { oldestDue } from '../queues/oldest-due.ts'
import { stats } from '../queues/stats.ts'
import { readHistoryTotals } from './history-series.ts'
import type { OperationTotal, OperationTotals } from './operation-totals.ts'
import {
  countJobs,
  readLastAcquires,
  readSizes,
  readStopped,
  readWhole,
  readWorkers,
  type WholeDatabase,
} from './readings.ts'

/** A group, and for how many seconds its oldest job has been waiting that could run; 0 where no job waits. */
interface CountedGroup extends GroupStats {
  oldest_ready_age: number
}

/** What one scrape reads, in one snapshot of the database. */
export interface Readings {
  /** Undefined while the counts are not exact and the jobs are too many to be counted. */
  groups: readonly CountedGroup[] | undefined
  areCountsExact: boolean
  lastAcquires: Awaited<ReturnType<typeof readLastAcquires>>
  /** Undefined where an index is missing and the table is large. */
  workers: readonly Awaited<ReturnType<typeof readWorkers>>[number][] | undefined
  /** The same. */
  counted: Awaited<ReturnType<typeof countJobs>> | undefined
  stopped: Awaited<ReturnType<typeof readStopped>>
  operations: readonly OperationTotal[]
  sizes: Awaited<ReturnType<typeof readSizes>>
  tasks: readonly DoneTask[]
  history: Awaited<ReturnType<typeof readHistoryTotals>>
  whole: WholeDatabase
}

/** Reads counts that are kept, and single entries of indexes; no statement takes longer than 1 s. */
export const readMetrics = (sql: Pool, totals: OperationTotals): Promise<Readings> =>
  sql.begin('isolation level repeatable read read only', async (tx) => {
    await tx`select ${limitScrapeTime(tx)}`
    const groups = await tx.savepoint(readGroups).catch(unlessOverdue)
    const state = await readCountsState(tx)
    const lastAcquires = await readLastAcquires(tx)
    const stopped = await readStopped(tx)
    const operations = await totals.read(tx)
    const sizes = await readSizes(tx)
    const tasks = await readTasks(tx)
    const history = await readHistoryTotals(tx)
    const whole = await readWhole(tx)
    // The last two stop after so many rows: without the hint they would read all of them, and sort them.
    await tx`select ${preferIndexOrder(tx)}`
    const workers = await tx.savepoint(readWorkers).catch(unlessOverdue)
    const counted = await tx.savepoint(countJobs).catch(unlessOverdue)
    const areCountsExact = state.triggers !== null && state.triggers === state.trusted
    return { groups, areCountsExact, lastAcquires, workers, counted, stopped, operations, sizes, tasks, history, whole }
  })

/**
 * Without exact counts the jobs themselves are counted, and without an index that the operator has yet to build they are scanned, where
 * that takes no longer than the limit of a statement.
 */
function unlessOverdue(error: unknown): undefined {
  if (!hasCode(error, ['57014'])) throw error
}

async function readGroups(tx: Sql): Promise<CountedGroup[]> {
  const [{ now }] = await tx<[{ now: string }]>`select now() as now`
  const counts = await stats({ sql: tx }, {})
  const since = await oldestDue(tx, counts)
  const age = (group: GroupStats) => (Date.parse(now) - Date.parse(since.get(groupKey(group)) ?? now)) / 1000
  // A time before the year 1 is no time of JavaScript.
  return counts.map((group) => ({ ...group, oldest_ready_age: Math.max(age(group) || 0, 0) }))
}
