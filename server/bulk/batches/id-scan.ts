import { setTimeout as wait } from 'node:timers/promises'
import type { JobId } from '../../../shared/work/job-key.ts'
import { hasKeys } from '../../database/job-ids.ts'
import { hasSafeId } from '../../database/planner-hints.ts'
import type { Holds } from '../../database/read-holds.ts'
import type { Fragment } from '../../database/sql.ts'
import type { BulkChange, SearchContext } from '../change/bulk-change.ts'

/** How many ids one query collects: a query for each batch would read rows that do not match again and again. */
const idsPerQuery = 50_000

/** A job that a search has found. */
export interface FoundJob {
  id: JobId
  /** The tid of its row; absent where the change does not ask. */
  tid?: string | undefined
}

/** Searches the ids of the jobs that match. */
export interface IdScan {
  /** Jobs that are left beside these holds; empty when every job that is left is held by another transaction. */
  next: (holds: Holds) => Promise<FoundJob[]>
  /** Records that `jobs` jobs were changed. */
  recordChanged: (jobs: number) => void
  /** How many jobs other transactions held when the search gave up. */
  lockedCount: () => number
}

/**
 * Searches in passes. While most jobs that a query finds can be changed, each query is a pass and begins at the start. Where other
 * transactions hold enough jobs for a query to find only locked ones, a pass walks over all matching jobs in the order of their ids. After
 * a pass that changed no job the search pauses and begins the next pass, until `lockTimeoutMs` is over (`JOBS_LOCK_TIMEOUT_SECONDS`).
 * @param matching returns `from jobs where …`
 * @param bulk with `oldestFirst`, the oldest jobs come first, until the search walks in the order of ids
 */
export function createIdScan(
  { sql, lockTimeoutMs }: Pick<SearchContext, 'sql' | 'lockTimeoutMs'>,
  matching: (holds: Holds) => Fragment,
  { time, oldestFirst, tid }: Pick<BulkChange<unknown>, 'time' | 'oldestFirst' | 'tid'>,
): IdScan {
  let isOrdered = false
  /** The last id of the walk in the order of ids; undefined at its beginning. */
  let lastId: JobId | undefined
  /** The last query reached its limit, so more jobs may match. */
  let hasMore = false
  /** How many jobs this pass found, and how many of them were changed. */
  let found = 0
  let changed = 0
  let giveUpAt: number | undefined
  let locked = 0

  /** The ids arrive as one JSON value: to parse tens of thousands of rows would block other calls. */
  async function queryIds(holds: Holds): Promise<FoundJob[]> {
    const limit = sql.unsafe(String(idsPerQuery))
    const after = lastId === undefined ? sql`` : sql`and jobs.id > ${lastId}::job_id`
    const byId = sql`and ${hasSafeId(sql)} ${after} order by jobs.id`
    const byTime = oldestFirst && !isOrdered ? time(sql) : undefined
    const ofRow = tid?.(sql)
    const order = isOrdered ? byId : byTime ? sql`order by time, jobs.id` : sql``
    // Keys of an engine come as they lie in its index, queue by queue: to sort them takes longer than to find them.
    const inList = byTime ? sql`order by time, id` : hasKeys(sql) && !isOrdered ? sql`` : sql`order by id`
    const list = (column: Fragment) =>
      sql`coalesce(jsonb_agg(${column} ${inList}) filter (where ${hasSafeId(sql)}), '[]')`
    const columns = sql`jobs.id ${byTime ? sql`, ${byTime} as time` : sql``} ${ofRow ? sql`, ${ofRow} as tid` : sql``}`
    const [{ ids, tids, looked }] = await sql<[{ ids: JobId[]; tids?: string[]; looked: number }]>`
      select ${list(sql`id`)} as ids, ${ofRow ? sql`${list(sql`tid::text`)} as tids,` : sql``} count(*) as looked
      from (select ${columns} ${matching(holds)} ${order} limit ${limit}) as candidates`
    hasMore = looked === idsPerQuery
    lastId = ids.at(-1) ?? lastId
    found += ids.length
    return ids.map((id, at) => ({ id, tid: tids?.[at] }))
  }

  function beginPass(): void {
    found = 0
    changed = 0
    lastId = undefined
  }

  /** Pauses, or counts the locked jobs and returns true when `lockTimeoutMs` is over. */
  async function givesUp(holds: Holds): Promise<boolean> {
    if (giveUpAt !== undefined && Date.now() > giveUpAt) {
      const [row] = await sql<[{ locked: number }]>`
        select count(*) as locked from (select jobs.id ${matching(holds)}) as candidates where ${hasSafeId(sql)}`
      locked = row.locked
      return true
    }
    giveUpAt ??= Date.now() + lockTimeoutMs
    await wait(100 + Math.random() * 200)
    return false
  }

  return {
    async next(holds) {
      for (;;) {
        if (!isOrdered && hasMore && changed < idsPerQuery / 2) {
          isOrdered = true
          beginPass()
        } else if (!isOrdered || !hasMore) {
          if (found > 0 && changed === 0 && (await givesUp(holds))) return []
          beginPass()
        }
        const ids = await queryIds(holds)
        // An empty result with `hasMore` or `found` means that the walk ended here, or stands before ids that are not safe.
        if (ids.length > 0 || (found === 0 && !hasMore)) return ids
      }
    },
    recordChanged(jobs) {
      changed += jobs
      if (jobs > 0) giveUpAt = undefined
    },
    lockedCount: () => locked,
  }
}
