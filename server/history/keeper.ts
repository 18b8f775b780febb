import { setTimeout as wait } from 'node:timers/promises'
import { createErrorLog } from '../database/errors/error-log.ts'
import { isLocked } from '../database/errors/failure.ts'
import type { Pool } from '../database/sql.ts'
import type { Log } from '../log/log.ts'
import { startAppending, stopAppending } from './appending.ts'
import { fold } from './fold.ts'
import { readHistorySetting, writeHistorySetting } from './history-setting.ts'

const stepEveryMs = 2000
const readyEveryMs = 200
const extendEveryMs = 60_000
/** The longest pause after errors, in milliseconds: creating a trigger locks the table, and a busy table is asked less often. */
const longestPauseMs = 30_000
/** The most transactions in a row. */
const foldsAtOnce = 50
const notKept = 'the history of jobs is not kept'
/** With more dead rows than this the appended ones would be found slowly. */
const vacuumAfter = 10_000

interface Keeper {
  sql: Pool
  log: Log
  /** `JOBS_HISTORY`. */
  wanted: boolean | undefined
  /** `JOBS_MIGRATE`. */
  makes: boolean
  isReady: () => boolean
  stopping: AbortSignal
}

/**
 * Keeps the history of jobs until the server stops: creates missing triggers while history is on, and adds up the transitions that they
 * append. Several servers may run it; each step is done by one of them.
 */
export async function keepHistory({ sql, log, wanted, makes, isReady, stopping }: Keeper): Promise<void> {
  const step = createStep({ sql, log, wanted, makes })
  let pauseMs = stepEveryMs
  const errors = createErrorLog(log, notKept)
  for (; !stopping.aborted; await wait(pauseMs, undefined, { signal: stopping, ref: false }).catch(() => {})) {
    if (!isReady()) {
      pauseMs = readyEveryMs
      continue
    }
    try {
      await step()
      pauseMs = stepEveryMs
      errors.clear()
    } catch (error) {
      pauseMs = Math.min(2 * pauseMs, longestPauseMs)
      if (!isLocked(error) && !stopping.aborted) errors.warn(error)
    }
  }
}

/**
 * Has the history count before the server is ready, so that the first jobs that a caller sends are in it. Where another transaction locks
 * the table, `keepHistory` begins later, and `since` of the history says when.
 */
export async function beginHistory(keeper: Omit<Keeper, 'isReady' | 'stopping'>): Promise<void> {
  await createAppending(keeper)().catch((error: unknown) => {
    if (!isLocked(error)) createErrorLog(keeper.log, notKept).warn(error)
  })
}

/** One step of the keeper, with what it remembers between the steps. */
function createStep(keeper: Omit<Keeper, 'isReady' | 'stopping'>): () => Promise<void> {
  const append = createAppending(keeper)
  const folding = createFolding(keeper.sql, { vacuums: keeper.makes })
  return async () => {
    await append()
    await folding.run()
  }
}

/** Writes the setting of this server once, and then has the triggers append, or not, as the setting of the database says. */
function createAppending({ sql, log, wanted, makes }: Omit<Keeper, 'isReady' | 'stopping'>): () => Promise<void> {
  let [isWritten, extendedAt] = [false, Number.NEGATIVE_INFINITY]
  return async () => {
    if (!isWritten && (await writeHistorySetting(sql, wanted)))
      log.info(`the history of jobs is ${wanted ? 'kept' : 'not kept'} from now on`)
    isWritten = true
    if (!(await readHistorySetting(sql))) {
      await stopAppending(sql)
      extendedAt = Number.NEGATIVE_INFINITY
    } else if (performance.now() - extendedAt > extendEveryMs) {
      await startAppending(sql, { makes })
      extendedAt = performance.now()
    }
  }
}

/** Adds up what the triggers append, and vacuums their table after 10,000 rows. */
function createFolding(sql: Pool, { vacuums }: { vacuums: boolean }): { run: () => Promise<void> } {
  let dead = 0
  return {
    async run() {
      for (let [done, more] = [0, true]; more && done < foldsAtOnce; done++) {
        const result = await fold(sql)
        dead += result?.folded ?? 0
        more = result?.more ?? false
      }
      if (!vacuums || dead < vacuumAfter) return
      await sql.unsafe('vacuum (skip_locked, truncate false) jobsctl_transitions')
      dead = 0
    },
  }
}
