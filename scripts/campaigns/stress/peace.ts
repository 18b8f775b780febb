import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { Reader } from './actors/readers.ts'

/** After so many milliseconds without any event, the jobs that are left do not run any more. */
const patienceMs = 15_000

/** How many jobs are queued or processing. */
export async function live(sql: Sql): Promise<number> {
  const [row] = await sql<[{ count: number }]>`
    select count(*)::int as count from jobs where status in ('queued', 'processing')`
  return row.count
}

/** Waits until no job is left. Returns false when no event happens any more and some jobs are left. */
export async function drain(sql: Sql): Promise<boolean> {
  for (let before = -1; ; ) {
    const now = await lastEvent(sql)
    if (now === before) return false
    before = now
    if (await within(patienceMs, async () => (await live(sql)) === 0)) return true
  }
}

async function lastEvent(sql: Sql): Promise<number> {
  const [{ last }] = await sql<[{ last: number }]>`select max(id)::float8 as last from job_events`
  return last
}

/** Returns true when each reader was told the last event that the database has. */
export async function caughtUp(sql: Sql, readers: readonly Reader[]): Promise<boolean> {
  const last = await lastEvent(sql)
  return readers.every(({ ids }) => ids.at(-1) === last)
}

/** Waits until `isSo` returns true, for at most `limitMs` milliseconds. Returns false when it never did. */
export async function within(limitMs: number, isSo: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + limitMs
  while (!(await isSo())) {
    if (performance.now() > end) return false
    await wait(100)
  }
  return true
}
