import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import postgres, { type Sql } from 'postgres'

const timeoutMs = 120_000

/**
 * Waits until all migrations are applied and stats use the counts. A server accepts calls earlier.
 * `url` is the URL of the database, `program` the path of the built server.
 * @throws Error after 120 s
 */
export async function untilPrepared(url: string, program: string): Promise<void> {
  const files = await readdir(join(dirname(program), 'migrations'))
  const migrations = files.filter((file) => file.endsWith('.sql')).length
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  const deadline = Date.now() + timeoutMs
  for (let done = 0; done < migrations; await wait(20)) {
    const [row] = await sql<[{ done: number }]>`select count(*)::int as done from jobsctl_migrations`
    done = row.done
    if (Date.now() > deadline)
      throw new Error(`after ${timeoutMs / 1000} s the server has applied ${done} of ${migrations} migrations`)
  }
  await untilCounted(sql)
  await sql.end()
}

/**
 * Waits until the server has verified the counts after `since`, a timestamptz as text, and has added up all count
 * deltas. Returns at once when the database has no counts.
 * @throws Error after 120 s
 */
export async function untilCounted(sql: Sql, since = '-infinity'): Promise<void> {
  const [known] = await sql`select where to_regclass('jobsctl_counting') is not null`
  const deadline = Date.now() + timeoutMs
  while (known) {
    const [settled] = await sql`
      select from jobsctl_counting
      where triggers is not null and checked_at > ${since}::text::timestamptz and not exists (select from jobsctl_count_deltas)`
    if (settled) return
    if (Date.now() > deadline) throw new Error(`the server has not verified its counts within ${timeoutMs / 1000} s`)
    await wait(50)
  }
}
