import { setTimeout as wait } from 'node:timers/promises'
import { hasSafeId } from '../database/planner-hints.ts'
import type { Fragment } from '../database/sql.ts'
import type { RunningChange } from './bulk-change.ts'

/** So many jobs are looked for at once: to look for each batch would be to read again and again what does not match. */
const lookAhead = 50_000

/** An id before all that can be named. */
const beforeAll = Number.MIN_SAFE_INTEGER - 1

/** Looks for jobs by their ids, round after round. */
export interface IdScan {
  /** Some of the jobs that are left; none when there are none but those that others hold. */
  next: () => Promise<number[]>
  /** So many of them were changed. */
  recordChanged: (jobs: number) => void
  /** How many others hold, in the end. */
  lockedCount: () => number
}

/**
 * Each search is a round, as long as most of what it finds can be changed. Where others hold so many that each would find
 * those again, a round is a walk over all that there are, in the order of their ids. After a round in vain there is another
 * one, for a while (`JOBS_LOCK_TIMEOUT_SECONDS`).
 * @param matching `from jobs where …`
 */
export function createIdScan({ sql, lockTimeoutMs }: RunningChange, matching: () => Fragment): IdScan {
  let walking = false
  /** The last id of the walk. */
  let beyond = beforeAll
  /** The last search was cut off. */
  let more = false
  /** How many jobs were found in this round, and changed. */
  let found = 0
  let gained = 0
  let patience: number | undefined
  let held = 0

  /** As one value: to take in tens of thousands of rows would keep all other calls waiting. */
  async function search(): Promise<number[]> {
    const limit = sql.unsafe(String(lookAhead))
    const ordered = sql`and ${hasSafeId(sql)} and jobs.id > ${beyond}::bigint order by jobs.id`
    const [{ ids, looked }] = await sql<[{ ids: number[]; looked: number }]>`
      select coalesce(jsonb_agg(id order by id) filter (where ${hasSafeId(sql)}), '[]') as ids, count(*) as looked
      from (select jobs.id ${matching()} ${walking ? ordered : sql``} limit ${limit}) as sought`
    more = looked === lookAhead
    beyond = ids.at(-1) ?? beyond
    found += ids.length
    return ids
  }

  function begin(): void {
    found = 0
    gained = 0
    beyond = beforeAll
  }

  /** Waits a moment for those who hold what is left, and counts it when that has been so for too long. */
  async function givesUp(): Promise<boolean> {
    if (patience !== undefined && Date.now() > patience) {
      const [row] = await sql<[{ held: number }]>`
        select count(*) as held from (select jobs.id ${matching()}) as sought where ${hasSafeId(sql)}`
      held = row.held
      return true
    }
    patience ??= Date.now() + lockTimeoutMs
    await wait(100 + Math.random() * 200)
    return false
  }

  return {
    async next() {
      for (;;) {
        if (!walking && more && gained < lookAhead / 2) {
          walking = true
          begin()
        } else if (!walking || !more) {
          if (found > 0 && gained === 0 && (await givesUp())) return []
          begin()
        }
        const ids = await search()
        // Else a walk has ended where the search before this one did, or begins, past what cannot be named.
        if (ids.length > 0 || (found === 0 && !more)) return ids
      }
    },
    recordChanged(jobs) {
      gained += jobs
      if (jobs > 0) patience = undefined
    },
    lockedCount: () => held,
  }
}
