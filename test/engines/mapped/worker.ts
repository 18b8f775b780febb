import { setTimeout } from 'node:timers/promises'
import postgres from 'postgres'
import { keyText } from '../../../shared/work/job-key.ts'
import type { Workers } from '../conformance/engine.ts'

/** Workers of the sample table, as an application has them: they take jobs past locked rows. */
export type TableWorker = Workers

interface Job {
  id: string
  queue: string
  does: string
}

/** Starts five workers with a connection each. They end with `kill`, each after the job that it has. */
export async function startWorker(url: string): Promise<TableWorker> {
  const sql = postgres(url, { max: 5, onnotice: () => {} })
  const runs: Record<string, number> = {}
  const stopped = new AbortController()
  const workers = Array.from({ length: 5 }, async () => {
    while (!stopped.signal.aborted) {
      const [job] = await take(sql)
      if (job) await end(sql, job, runs)
      else await setTimeout(20)
    }
  })
  return {
    runs: async () => runs,
    async kill() {
      stopped.abort()
      await Promise.all(workers)
      await sql.end()
    },
  }
}

const take = (sql: postgres.Sql) => sql<Job[]>`
  update app.email_jobs set state = 1, locked_at = now(), "Locked by" = 'worker'
  where id = (
    select id from app.email_jobs
    where state = 0 and run_after <= now() at time zone 'utc'
    order by rank, run_after
    limit 1
    for update skip locked
  )
  returning id::text, queue, args ->> 'does' as does`

async function end(sql: postgres.Sql, { id, queue, does }: Job, runs: Record<string, number>): Promise<void> {
  const key = keyText({ queue, id })
  const begun = (runs[key] ?? 0) + 1
  runs[key] = begun
  if (does === 'end slowly') await setTimeout(20)
  const failed = does === 'fail' || (does === 'fail once' && begun === 1)
  await sql`
    update app.email_jobs
    set state = ${failed ? 3 : 2}, locked_at = null, updated_at = now(), tries = tries + 1, error = ${failed ? 'no answer' : null}
    where id::text = ${id} and state = 1`
}
