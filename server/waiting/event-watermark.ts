import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from '../database/sql.ts'
import type { Log } from '../log.ts'

/** How long a reader waits for writers that have not committed, in milliseconds. */
const patience = 2000
const pause = 5

/**
 * Up to which id the events are complete: none can appear there any more. Ids are given out before
 * transactions commit, and these commit in any order; a reader that went by ids alone would miss some.
 */
export interface EventWatermark {
  /**
   * The id as of now, or as of at most `staleMs` ago; an earlier one while a writer takes too long to commit.
   */
  reached: (staleMs?: number) => Promise<number>
}

/** One look at a time serves all who ask; who asks during a look gets the next one. */
export function createEventWatermark(sql: Sql, log: Pick<Log, 'warn'>): EventWatermark {
  let known = 0
  /** Writers that have been waited for in vain: nobody waits for them again. */
  const stuck = new Set<string>()
  let lookedAt = Number.NEGATIVE_INFINITY
  let running: Promise<number> | undefined
  let next: Promise<number> | undefined

  const look = () => {
    const began = performance.now()
    running = reachedNow(sql, stuck, log)
      .then((id) => {
        known = Math.max(known, id ?? 0)
        lookedAt = began
        return known
      })
      .finally(() => {
        running = undefined
      })
    return running
  }
  return {
    reached: async (staleMs = 0) => {
      if (performance.now() - lookedAt < staleMs) return known
      if (!running) return look()
      next ??= running
        .catch(() => {})
        .then(() => {
          next = undefined
          return look()
        })
      return next
    },
  }
}

/**
 * The highest id seen, once all are over that were writing events right after it was seen: whoever has a
 * lower id still uncommitted was among them, since an id is taken under the table's lock, which is held to
 * the end of the transaction. Undefined when they take too long.
 */
async function reachedNow(sql: Sql, stuck: Set<string>, log: Pick<Log, 'warn'>): Promise<number | undefined> {
  const [{ id }] = await sql<[{ id: number }]>`select coalesce(max(id), 0) as id from job_events`
  const end = performance.now() + patience
  let still = await writers(sql)
  for (const transaction of stuck) if (!still.has(transaction)) stuck.delete(transaction)
  for (let writing = [...still]; writing.length > 0; ) {
    if (writing.every((transaction) => stuck.has(transaction))) return undefined
    if (performance.now() > end) {
      for (const transaction of writing) stuck.add(transaction)
      log.warn('a transaction that writes events does not end; until it does, newer events are not told')
      return undefined
    }
    await wait(pause)
    still = await writers(sql)
    writing = writing.filter((transaction) => still.has(transaction))
  }
  return id
}

async function writers(sql: Sql): Promise<Set<string>> {
  const rows = await sql<{ virtualtransaction: string }[]>`
    select virtualtransaction
    from pg_locks
    where locktype = 'relation'
      and database = (select oid from pg_database where datname = current_database())
      and relation = to_regclass('job_events')
      and mode = 'RowExclusiveLock'
      and granted
      and pid is distinct from pg_backend_pid()`
  return new Set(rows.map(({ virtualtransaction }) => virtualtransaction))
}
