import { setTimeout as wait } from 'node:timers/promises'
import type { Sizes } from './sizes.ts'
import type { SizedDatabase } from './storage.ts'

/** Counts the sessions of the server while nobody calls, and the most of them while 64 callers work and 16 read. */
export async function connectionsOf({ server, sql }: SizedDatabase): Promise<Sizes['connections']> {
  const count = async () => {
    const [{ sessions }] = await sql<[{ sessions: number }]>`
      select count(*)::int as sessions from pg_stat_activity
      where application_name = 'jobs-server' and datname = current_database()`
    return sessions
  }
  const idle = await count()
  let isOver = false
  const load = async (call: () => Promise<unknown>) => {
    while (!isOver) await call()
  }
  const job = { domain: 'connections', job_type: 'task', payload: {} }
  const callers = [
    ...Array.from({ length: 64 }, () => load(() => server.api.load('/api/v1/jobs', job))),
    ...Array.from({ length: 16 }, () => load(() => server.api.load('/api/v1/jobs/list?domain=bench'))),
  ]
  let busy = 0
  for (let n = 0; n < 50; n++) {
    busy = Math.max(busy, await count())
    await wait(100)
  }
  isOver = true
  await Promise.all(callers)
  return { idle, busy }
}
