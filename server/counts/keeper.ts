import { setTimeout as wait } from 'node:timers/promises'
import { createErrorLog } from '../database/errors/error-log.ts'
import { isLocked } from '../database/errors/failure.ts'
import type { Pool } from '../database/sql.ts'
import type { Log } from '../log/log.ts'
import { createCompaction } from './compaction.ts'
import { createOpenWriters } from './open-writers.ts'
import { type Comparison, logReconciliation, reconcile } from './reconcile.ts'
import { makeCountTriggers, requireCountTriggers } from './triggers.ts'
import { type CountsState, partitionedTables, readCountsState } from './trust.ts'

const stepEveryMs = 1000
const extendEveryMs = 60_000
/** The counts are compared with the jobs once a minute; less often where that would take more than a hundredth of the time. */
const checkEveryMs = 60_000
const checkShare = 100
/** The longest pause after errors, in milliseconds: creating a trigger locks the table, and a busy table is asked less often. */
const longestPauseMs = 30_000

interface Keeper {
  sql: Pool
  log: Log
  /** `JOBS_MIGRATE`: whether the server makes triggers, and vacuums and analyzes its tables. */
  makes: boolean
  stopping: AbortSignal
}

/**
 * Keeps the counts of live jobs until the server stops: creates missing triggers, adds up the rows that the triggers append,
 * and compares the sums with the jobs. Several servers may run it; each step is done by one of them.
 */
export async function keepCounts({ sql, log, makes, stopping }: Keeper): Promise<void> {
  const step = createStep({ sql, log, makes })
  let pauseMs = stepEveryMs
  const errors = createErrorLog(log, 'stats count the jobs themselves')
  for (; !stopping.aborted; await wait(pauseMs, undefined, { signal: stopping, ref: false }).catch(() => {})) {
    try {
      await step()
      pauseMs = stepEveryMs
    } catch (error) {
      pauseMs = Math.min(2 * pauseMs, longestPauseMs)
      if (!isLocked(error) && !stopping.aborted) errors.warn(error)
    }
  }
}

/** One step of the keeper, with what it remembers between the steps. */
function createStep({ sql, log, makes }: Omit<Keeper, 'stopping'>): () => Promise<void> {
  const compaction = createCompaction(sql, { vacuums: makes })
  const writers = createOpenWriters(sql)
  const check = createCheck({ sql, log, makes })
  const extend = createExtension(sql)
  let triggersReady = false
  return async () => {
    if (!triggersReady) {
      await (makes ? makeCountTriggers(sql) : requireCountTriggers(sql))
      triggersReady = true
    }
    // Only now: where a trigger cannot be created, nobody would read the rows that the others append.
    if (await extend()) writers.reset()
    await compaction.run()
    const state = await readCountsState(sql)
    if (state.triggers === null) {
      // Somebody disabled a trigger, or the table was created again and needs new triggers.
      triggersReady = false
      return writers.reset()
    }
    const { triggers, functions } = state
    const trusted = triggers === state.trusted
    if (trusted && (functions === null || functions === state.listing)) {
      writers.reset()
      if (check.isDue(state)) await check.run({ triggers, functions, trusted })
      return
    }
    if (!(await writers.haveEnded(`${triggers} ${functions}`))) return
    if (await check.run({ triggers, functions, trusted })) writers.reset()
  }
}

function createCheck({ sql, log, makes }: Omit<Keeper, 'stopping'>) {
  let lastMs = 0
  return {
    isDue: ({ age }: CountsState) => (age ?? 0) > Math.max(checkEveryMs, checkShare * lastMs),
    /** False when another server has the counts lock. */
    async run(comparison: Comparison): Promise<boolean> {
      const start = performance.now()
      const found = await reconcile(sql, comparison)
      lastMs = performance.now() - start
      if (!found) return false
      if (comparison.trusted) {
        logReconciliation(log, found)
        return true
      }
      log.info('stats use the counts of the triggers from now on')
      // Otherwise the planner would go on taking the table for an empty one.
      if (makes) await sql.unsafe('analyze jobsctl_counts')
      return true
    },
  }
}

/**
 * Lets the triggers append rows for another hour, once a minute.
 * @returns a function that is true when rows may be missing: the table is another one, or the hour was over
 */
function createExtension(sql: Pool): () => Promise<boolean> {
  let extendedAt = Number.NEGATIVE_INFINITY
  return async () => {
    const { count: replaced } = await followTable(sql)
    if (performance.now() - extendedAt <= extendEveryMs) return replaced > 0
    const { count: extended } = await extendHour(sql)
    extendedAt = performance.now()
    return replaced > 0 || extended > 0
  }
}

/** Counts that had stopped are not trusted any more. */
const extendHour = (sql: Pool) => sql`
  insert into jobsctl_counting as kept (until, jobs) values (now() + interval '1 hour', to_regclass('jobs')::oid)
  on conflict (one) do update
  set triggers = case when kept.until > now() then kept.triggers end, until = excluded.until
  where kept.until < now() + interval '50 minutes'`

/** The table `jobs` may have been replaced by another one of the same name, or have other partitions: the counts of the old ones are not trusted. */
const followTable = (sql: Pool) => sql`
  update jobsctl_counting
  set jobs = to_regclass('jobs')::oid, tables = ${partitionedTables(sql)}, triggers = null
  where jobs is distinct from to_regclass('jobs')::oid or tables <> ${partitionedTables(sql)}`
