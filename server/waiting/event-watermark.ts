import { setTimeout as wait } from 'node:timers/promises'
import { type Sql, staticFragment } from '../database/sql.ts'
import type { Log } from '../log/log.ts'

/** How long a reader waits for open transactions that write events, in milliseconds. */
const longestWaitMs = 2000
const pauseMs = 5

/**
 * The id up to which the events are complete: no event with a lower id can appear any more. Transactions take their ids
 * before they commit, and commit in any order, so that a reader that went by the ids alone would miss events.
 */
export interface EventWatermark {
  /** The id as of now, or as of at most `staleMs` milliseconds ago; a lower one while a transaction stays open for long. */
  reached: (staleMs?: number) => Promise<number>
}

/** Reads the watermark once for all callers that ask at the same time; a call during a read gets the result of the next one. */
export function createEventWatermark(sql: Sql, log: Pick<Log, 'warn'>): EventWatermark {
  let known = 0
  /** Transactions that did not end in time: no reader waits for them again. */
  const stuck = new Set<string>()
  let readAt = Number.NEGATIVE_INFINITY
  let running: Promise<number> | undefined
  let next: Promise<number> | undefined

  const read = () => {
    const began = performance.now()
    running = reachedNow(sql, stuck, log)
      .then((id) => {
        known = Math.max(known, id ?? 0)
        readAt = began
        return known
      })
      .finally(() => {
        running = undefined
      })
    return running
  }
  return {
    reached: async (staleMs = 0) => {
      if (performance.now() - readAt < staleMs) return known
      if (!running) return read()
      next ??= running
        .catch(() => {})
        .then(() => {
          next = undefined
          return read()
        })
      return next
    },
  }
}

/**
 * The highest id, once every transaction has ended that was writing events right after the id was read. A transaction with a
 * lower id that is not committed was among them, because an id is taken under the lock of the table, which is held to the
 * end of the transaction. Undefined when one of them stays open for longer than two seconds.
 */
async function reachedNow(sql: Sql, stuck: Set<string>, log: Pick<Log, 'warn'>): Promise<number | undefined> {
  const [{ id }] = await sql<[{ id: number }]>`select coalesce(max(id), 0) as id from job_events`
  const end = performance.now() + longestWaitMs
  let open = await writers(sql)
  for (const transaction of stuck) if (!open.has(transaction)) stuck.delete(transaction)
  for (let writing = [...open]; writing.length > 0; ) {
    if (writing.every((transaction) => stuck.has(transaction))) return undefined
    if (performance.now() > end) {
      for (const transaction of writing) stuck.add(transaction)
      log.warn('a transaction that writes events stays open; newer events are not delivered until it ends')
      return undefined
    }
    await wait(pauseMs)
    open = await writers(sql)
    writing = writing.filter((transaction) => open.has(transaction))
  }
  return id
}

/** True for a row of `pg_locks` of an open transaction that has written events. */
export const isEventWriter = staticFragment(
  (sql) => sql`
  locktype = 'relation'
  and database = (select oid from pg_database where datname = current_database())
  and relation = to_regclass('job_events')
  and mode = 'RowExclusiveLock'
  and granted`,
)

/** The open transactions that have written events. */
async function writers(sql: Sql): Promise<Set<string>> {
  const rows = await sql<{ virtualtransaction: string }[]>`
    select virtualtransaction
    from pg_locks
    where ${isEventWriter(sql)} and pid is distinct from pg_backend_pid()`
  return new Set(rows.map(({ virtualtransaction }) => virtualtransaction))
}
