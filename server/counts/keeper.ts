import { setTimeout as wait } from 'node:timers/promises'
import { isConnectionLost, isLocked } from '../database/failure.ts'
import type { Pool } from '../database/sql.ts'
import type { Log } from '../log.ts'
import { compact, logReconciliation, reconcile } from './reconcile.ts'
import { createTriggers, repairFunctions } from './triggers.ts'
import { readCountsState } from './trust.ts'

const foldEveryMs = 1000
const leaseEveryMs = 60_000
/** The counts are compared with the jobs once a minute, and more rarely where that takes long. */
const checkEveryMs = 60_000
const checkShare = 100
/** Making a trigger locks the table for a moment: a busy one is asked again, ever more rarely. */
const mostPauseMs = 30_000
/** So often in a row: the rest has to be done, too. */
const mostFolds = 50
/** So many dead rows, and the appended ones would be found slowly. */
const vacuumAfter = 10_000

interface Counting {
  sql: Pool
  log: Log
  stopping: AbortSignal
}

/**
 * Keeps the counts of live jobs, as long as the server runs: makes the triggers where they are missing, adds up what they
 * append, and compares it with the jobs now and then. Several servers may do it, one at a time.
 */
export async function keepCounts({ sql, log, stopping }: Counting): Promise<void> {
  const keeper = createKeeper(sql, log)
  let pause = foldEveryMs
  let said = ''
  for (; !stopping.aborted; await wait(pause, undefined, { signal: stopping, ref: false }).catch(() => {})) {
    try {
      await keeper.step()
      pause = foldEveryMs
    } catch (error) {
      pause = Math.min(2 * pause, mostPauseMs)
      const why = error instanceof Error ? error.message : String(error)
      if (isConnectionLost(error) || isLocked(error) || stopping.aborted || why === said) continue
      log.warn(`stats count the jobs themselves: ${why}`)
      said = why
    }
  }
}

function createKeeper(sql: Pool, log: Log) {
  let leased = Number.NEGATIVE_INFINITY
  let made = false
  let dead = 0
  let checkMs = 0
  /** Those who may have written before the triggers counted, or may still. */
  let before: { ids: string[]; prepared: boolean } | undefined

  async function add(): Promise<void> {
    for (let [times, more] = [0, true]; more && times < mostFolds; times++) {
      const done = await compact(sql)
      dead += done?.folded ?? 0
      more = done?.more ?? false
    }
    if (dead < vacuumAfter) return
    await sql.unsafe('vacuum (skip_locked, truncate false) jobsctl_count_deltas')
    dead = 0
  }

  async function compare(triggers: string, trusted: boolean): Promise<void> {
    const start = performance.now()
    const mended = await reconcile(sql, { triggers, trusted })
    checkMs = performance.now() - start
    if (!mended) return
    before = undefined
    if (trusted) return logReconciliation(log, mended)
    log.info('stats go by counts from now on')
    // Else the planner would take the table for an empty one, as it was.
    await sql.unsafe('analyze jobsctl_counts')
  }

  return {
    async step(): Promise<void> {
      if (!made) {
        await repairFunctions(sql)
        await createTriggers(sql)
        made = true
      }
      const { count: turned } = await countThis(sql)
      if (turned > 0) before = undefined
      // Only then: where one cannot be made nobody reads what the others append.
      if (performance.now() - leased > leaseEveryMs) {
        const { count } = await putOff(sql)
        // Should they have stopped, it is from now on that they count.
        if (count > 0) before = undefined
        leased = performance.now()
      }
      await add()
      const { triggers, trusted, age } = await readCountsState(sql)
      if (triggers === null) {
        // Somebody wants it so, or the table has been made anew: then it takes new ones.
        made = false
        before = undefined
        return
      }
      if (triggers === trusted) {
        if ((age ?? 0) > Math.max(checkEveryMs, checkShare * checkMs)) await compare(triggers, true)
        return
      }
      before ??= { ids: await writers(sql), prepared: false }
      const writing = await writers(sql)
      if (before.ids.some((id) => writing.includes(id))) return
      // One of them may have been prepared in between, under a name of its own.
      if (!before.prepared) {
        before = { ids: writing.filter((id) => id.startsWith(preparedId)), prepared: true }
        if (before.ids.length > 0) return
      }
      await compare(triggers, false)
    },
  }
}

/** Writers append for another hour. Where they had stopped, what was counted is worth nothing. */
const putOff = (sql: Pool) => sql`
  insert into jobsctl_counting as kept (until, jobs) values (now() + interval '1 hour', to_regclass('jobs')::oid)
  on conflict (one) do update
  set triggers = case when kept.until > now() then kept.triggers end, until = excluded.until
  where kept.until < now() + interval '50 minutes'`

/** The table may be another than it was, under the same name. */
const countThis = (sql: Pool) => sql`
  update jobsctl_counting
  set jobs = to_regclass('jobs')::oid, triggers = null
  where jobs is distinct from to_regclass('jobs')::oid`

const preparedId = 'prepared '

/**
 * The transactions of this database that have written something, or see what was there some time ago. What one that is
 * not among them writes is counted by the triggers that are there now.
 */
async function writers(sql: Pool): Promise<string[]> {
  const rows = await sql<{ id: string }[]>`
    select virtualtransaction as id
    from pg_stat_activity
    join pg_locks using (pid)
    where locktype = 'virtualxid' and pid <> pg_backend_pid()
      and datid = (select oid from pg_database where datname = current_database())
      and (backend_xid is not null or backend_xmin is not null)
      -- It writes no jobs, and takes long where there are many.
      and pid not in (select pid from pg_stat_progress_vacuum)
    union all
    select ${preparedId} || transaction from pg_prepared_xacts where database = current_database()`
  return rows.map(({ id }) => id)
}
