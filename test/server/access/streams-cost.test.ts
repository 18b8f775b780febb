import postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bearer, makeToken } from '../../support/access/tokens.ts'
import { readStream } from '../../support/streams/event-reader.ts'
import { openWorld, type World } from '../../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
})
afterAll(() => world?.stop())

/** How often sessions have read the table of tokens. A session reports what it has read when it ends. */
async function looks(): Promise<number> {
  const sql = postgres(world.env.JOBS_DB_URL ?? '', { max: 1 })
  const ended = await sql<{ pid: number }[]>`
    with others as materialized (
      select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
    )
    select pid from others where pg_terminate_backend(pid)`
  const left = () =>
    sql`select from pg_stat_activity where pid = any(${ended.map(({ pid }) => pid)}::int[])`.then(({ count }) => count)
  await expect.poll(left).toBe(0)
  const [row] = await sql<[{ n: number }]>`
    select (coalesce(seq_scan, 0) + coalesce(idx_scan, 0))::int as n from pg_stat_user_tables
    where relname = 'jobs_api_tokens'`
  await sql.end()
  return row.n
}

it('streams of one token look together whether it still holds', async () => {
  const token = await makeToken(world.sql, 'reader', 'viewer')
  const readers = await Promise.all(Array.from({ length: 100 }, () => readStream(world, '', bearer(token))))
  for (const { heartbeats } of readers) await expect.poll(heartbeats).toBeGreaterThan(0)
  await world.sql`insert into job_events (job_id, event_type) values (1, 'job.created')`
  await Promise.all(readers.map((reader) => reader.count(1)))
  const n = await looks()
  for (const reader of readers) reader.stop()
  // Each has looked once for itself, when it was opened.
  expect(n).toBeGreaterThanOrEqual(100)
  expect(n).toBeLessThan(150)
})
