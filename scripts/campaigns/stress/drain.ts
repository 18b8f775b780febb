import type { Sql } from 'postgres'
import { within } from '../within.ts'
import type { Reader } from './actors/readers.ts'

/** The time without a new event after which the remaining jobs count as stuck, in milliseconds. */
const stuckAfterMs = 15_000

/** Returns the number of jobs that are queued or processing. */
export async function live(sql: Sql): Promise<number> {
  const [row] = await sql<[{ count: number }]>`
    select count(*)::int as count from jobs where status in ('queued', 'processing')`
  return row.count
}

/** Waits until no job is live. Returns false when jobs are live but no event was written for 15 s. */
export async function drain(sql: Sql): Promise<boolean> {
  for (let before = -1; ; ) {
    const now = await lastEvent(sql)
    if (now === before) return false
    before = now
    if (await within(stuckAfterMs, async () => (await live(sql)) === 0)) return true
  }
}

/** Returns the id of the last event of the database. */
export async function lastEvent(sql: Sql): Promise<number> {
  const [{ last }] = await sql<[{ last: number }]>`select max(id)::float8 as last from job_events`
  return last
}

/** Returns true when each reader has received the last event of the database. */
export async function caughtUp(sql: Sql, readers: readonly Reader[]): Promise<boolean> {
  const last = await lastEvent(sql)
  return readers.every(({ ids }) => ids.at(-1) === last)
}
