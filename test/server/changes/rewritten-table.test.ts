import type postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  cancel,
  clearAll,
  holding,
  otherProgram,
  previewOf,
  prune,
  requeue,
  retry,
} from '../../support/changes/bulk-tools.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

describe('a change beside an alter table that writes all rows again', () => {
  let world: World
  let other: postgres.Sql
  beforeAll(async () => {
    world = await openWorld('postgres', { JOBS_LOCK_TIMEOUT_SECONDS: '60' })
    other = otherProgram(world)
  })
  afterAll(async () => {
    await other?.end()
    await world?.stop()
  })
  beforeEach(() => clearAll(world))

  /** A default that is computed for each row has PostgreSQL write them all. */
  const rewrite =
    (column: string, type = 'timestamptz default clock_timestamp()') =>
    (tx: postgres.TransactionSql) =>
      tx.unsafe(`alter table jobs add column ${column} ${type}`)
  const untilSomebodyWaits = () =>
    until('the change waits for the table', async () => {
      const rows = await other`
        select from pg_locks
        join pg_stat_activity using (pid)
        where not granted and relation = 'jobs'::regclass and application_name = 'jobs-server'
          and datname = current_database()`
      return rows.length > 0
    })
  /** What the server does in the background waits for the table, too: only a change that has its record has its snapshot. */
  const untilChangeWaits = async () => {
    await until('the change has begun', async () => {
      const running = await other`select from job_operations where state = 'running'`
      return running.length > 0
    })
    await untilSomebodyWaits()
  }

  it.each([
    { change: retry, column: 'of_retry' },
    { change: requeue, column: 'of_requeue' },
    { change: cancel, column: 'of_cancel' },
  ])('says that jobs were skipped, and why: a $change.name without a preview', async ({ change, column }) => {
    await world.jobs(3, change.wanted)
    const letGo = await holding(other, rewrite(column))
    const answer = world.confirm(change.path, change.body)
    await untilChangeWaits()
    await letGo()
    expect(await answer).toMatchObject({
      status: 503,
      body: {
        code: 'database_busy',
        detail: expect.stringMatching(/^3 jobs were skipped: .*alter table.*; nothing was changed$/),
      },
    })
    expect((await world.confirm(change.path, change.body)).status).toBe(200)
    expect(await world.sql`select from job_operations where state = 'done' and affected = 3`).toHaveLength(1)
  })

  it('is none where no job matches, and where no row was written again', async () => {
    await world.jobs(3, prune.wanted)
    for (const [column, type, deleted] of [
      ['of_nothing', undefined, 0],
      ['of_no_rewrite', 'text', 3],
    ] as const) {
      const letGo = await holding(other, rewrite(column, type))
      const body = deleted === 0 ? { ...prune.body, domain: 'empty' } : prune.body
      const answer = world.confirm(prune.path, body)
      await untilSomebodyWaits()
      await letGo()
      expect(await answer).toMatchObject({ status: 200, body: { deleted } })
    }
  })

  it('counts as skipped in a change by its preview', async () => {
    await world.jobs(3, prune.wanted)
    const { token } = await previewOf(world, prune)
    await other.begin(rewrite('of_preview'))
    expect(await world.confirm(prune.path, { ...prune.body, preview_token: token })).toMatchObject({
      status: 200,
      body: { deleted: 0, skipped: 3 },
    })
    expect(await world.count()).toBe(3)
  })
})
