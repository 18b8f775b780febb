import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import postgres, { type Sql } from 'postgres'

const patienceMs = 120_000

/** A server answers before its indexes are built, and before its stats go by counts. */
export async function untilPrepared(url: string, program: string): Promise<void> {
  const files = await readdir(join(dirname(program), 'migrations'))
  const migrations = files.filter((file) => file.endsWith('.sql')).length
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  const limit = Date.now() + patienceMs
  for (let done = 0; done < migrations; await wait(20)) {
    const [row] = await sql<[{ done: number }]>`select count(*)::int as done from jobsctl_migrations`
    done = row.done
    if (Date.now() > limit) throw new Error(`the server has made ${done} of ${migrations} migrations, and no more`)
  }
  await untilCounted(sql)
  await sql.end()
}

/** The counts of stats have been found right since then, and what writers have appended is added up. */
export async function untilCounted(sql: Sql, since = '-infinity'): Promise<void> {
  const [known] = await sql`select where to_regclass('jobsctl_counting') is not null`
  const limit = Date.now() + patienceMs
  while (known) {
    const [settled] = await sql`
      select from jobsctl_counting
      where triggers is not null and checked_at > ${since}::text::timestamptz and not exists (select from jobsctl_count_deltas)`
    if (settled) return
    if (Date.now() > limit) throw new Error('the server does not come to count the live jobs')
    await wait(50)
  }
}
