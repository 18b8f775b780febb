import { setTimeout as wait } from 'node:timers/promises'
import type { Bulk, Running } from './bulk.ts'
import { isNameable } from './one-of.ts'

/** So many jobs are looked for at once: to look for each batch would be to read again and again what does not match. */
const lookAhead = 50_000

/** The jobs that a change has still to change. */
export interface Search {
  /** The next ones, at most so many; none when there are none but those that others hold. */
  next: (most: number) => Promise<number[]>
  /** So many of the last ones were changed. */
  changed: (jobs: number) => void
  /** The last ones have to be tried again. */
  again: () => void
  /** How many others hold, in the end. */
  held: () => number
}

/**
 * Looks for the jobs of a change, many batches ahead. What none of a whole search could be changed of is held by
 * others: it is looked for again for a while (`JOBS_LOCK_TIMEOUT_SECONDS`), and then left.
 */
export function searchFor(running: Running, bulk: Bulk<unknown>): Search {
  let found: number[] = []
  let last: number[] = []
  let fruitless = false
  let patience: number | undefined
  let held = 0

  /** Finds what there is, unless that has been held for too long. */
  async function look(): Promise<void> {
    if (fruitless) {
      patience ??= Date.now() + running.lockTimeoutMs
      await wait(100 + Math.random() * 200)
    }
    // As one value: to take in tens of thousands of rows would keep all other calls waiting.
    const set = { ...running, except: [...(running.except ?? []), ...(bulk.refused?.keys() ?? [])] }
    const [{ ids }] = await running.sql<[{ ids: number[] }]>`
      select coalesce(jsonb_agg(id), '[]') as ids
      from (
        select jobs.id ${bulk.matching(running.sql, set)} limit ${running.sql.unsafe(String(lookAhead))}
      ) as found
      where ${isNameable(running.sql)}`
    held = ids.length
    found = patience !== undefined && Date.now() > patience ? [] : ids
    fruitless = true
  }

  return {
    async next(most) {
      if (found.length === 0) await look()
      last = found.splice(0, most)
      return last
    },
    changed(jobs) {
      if (jobs === 0) return
      fruitless = false
      patience = undefined
    },
    again() {
      found = [...last, ...found]
      last = []
    },
    held: () => held,
  }
}
