import postgres from 'postgres'
import { expect, it } from 'vitest'
import { untilKept } from '../../support/observe/history.ts'
import { openWorld } from '../../support/world.ts'

it('plans the statements of the triggers once in a session, whatever sizes its statements have', async () => {
  const world = await openWorld('postgres')
  let plans = 0
  const onnotice = ({ message }: { message?: string }) => {
    if (message === 'PLANNER STATISTICS') plans++
  }
  const session = postgres(world.env.JOBS_DB_URL ?? '', { max: 1, onnotice })
  const insert = (rows: number) =>
    session.unsafe(
      `insert into jobs (domain, queue, job_type, status) select 'd', 'q', 't', 'queued' from generate_series(1, ${rows})`,
    )
  const update = (status: string, rows: number) =>
    session.unsafe(`update jobs set status = '${status}' where id in (select id from jobs limit ${rows})`)
  try {
    await untilKept(world)
    for (let n = 0; n < 6; n++) await insert(1)
    for (let n = 0; n < 6; n++) await update('processing', 1)
    // PostgreSQL makes kept plans anew after an ANALYZE. If the next statement is large, the new plan looks dear, and PostgreSQL would plan
    // each later statement anew.
    await session.unsafe('analyze jobs')
    await insert(3000)
    await update('queued', 3000)
    await insert(1)
    await update('processing', 1)
    await session.unsafe('set client_min_messages = log')
    await session.unsafe('set log_planner_stats = on')
    await insert(1)
    await update('completed', 1)
    expect(plans).toBe(2) // those of these two statements themselves
  } finally {
    await session.end()
    await world.stop()
  }
})
