import type postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  ask,
  cancelSweep,
  changes,
  clearAll,
  doneOf,
  expectIntact,
  holding,
  otherProgram,
  previewOf,
  prune,
  recordOf,
} from '../../support/changes/bulk-tools.ts'
import { until } from '../../support/poll.ts'
import { openWorld, type World } from '../../support/world.ts'

describe('the batches of a change on postgres, beside locked rows', () => {
  let world: World
  let other: postgres.Sql
  beforeAll(async () => {
    world = await openWorld('postgres', { JOBS_LOCK_TIMEOUT_SECONDS: '1' })
    other = otherProgram(world)
  })
  afterAll(async () => {
    await other?.end()
    await world?.stop()
  })
  beforeEach(() => clearAll(world))

  it.each(changes)('$name: leave them, count them, and change the rest', async (change) => {
    const [held = 0] = await world.jobs(5, change.wanted)
    const letGo = await holding(other, (tx) => tx`select id from jobs where id = ${held}::bigint for update`)
    const { token: preview_token } = await previewOf(world, change)
    const answer = await ask(world, change, { preview_token })
    await letGo()
    expect(doneOf(answer)).toMatchObject({ affected: 4, skipped: 1, skippedLocked: 1 })
    expect(await recordOf(world, 1)).toMatchObject({ state: 'done', affected: 4, skipped: 1, skipped_locked: 1 })
    expect(doneOf(await ask(world, change)).affected).toBe(1)
    await expectIntact(world)
  })

  it('are not kept from the rest by more held ones than are looked for at once', async () => {
    await world.sql`
      insert into jobs (domain, queue, job_type, status, completed_at)
      select 'd', case when i > 60000 then 'free' else 'held' end, 't', 'completed', now() - interval '60 days' + i * interval '1 second'
      from generate_series(1, 61000) i`
    await other`
      insert into jobs (id, domain, queue, job_type, status, completed_at) overriding system value
      values (9007199254740993, 'd', 'held', 't', 'completed', now() - interval '90 days')`
    const letGo = await holding(other, (tx) => tx`select from jobs where queue = 'held' for update`)
    const all = () => world.confirm(prune.path, {})
    expect(doneOf(await all())).toMatchObject({ affected: 1000, skippedLocked: 60_000 })
    await letGo()
    expect(doneOf(await all()).affected).toBe(60_000)
    await expectIntact(world)
  })

  it.each(changes)('$name: leave what was being written when the preview was made', async (change) => {
    const [written = 0] = await world.jobs(3, change.wanted)
    const commit = await holding(other, (tx) => tx`update jobs set priority = priority where id = ${written}::bigint`)
    // One that is over makes the open one older than the newest that the preview knows of.
    await other`select pg_current_xact_id()`
    const { token: preview_token, count } = await previewOf(world, change)
    await commit()
    expect(count).toBe(3)
    expect(doneOf(await ask(world, change, { preview_token }))).toMatchObject({ affected: 2, skipped: 1 })
  })

  it.each(changes)(
    '$name: leave what was being written below a savepoint when the preview was made',
    async (change) => {
      const [written = 0] = await world.jobs(3, change.wanted)
      const commit = await holding(other, async (tx) => {
        await tx`savepoint below`
        await tx`update jobs set priority = priority where id = ${written}::bigint`
      })
      await other`select pg_current_xact_id()`
      // By a transaction that is newer than the open one, and visible.
      await world.jobs(1, change.wanted)
      const { token: preview_token, count } = await previewOf(world, change)
      await commit()
      expect(count).toBe(4)
      expect(doneOf(await ask(world, change, { preview_token }))).toMatchObject({ affected: 3, skipped: 1 })
    },
  )

  it('leave a job that was written over and over while they ran', async () => {
    await world.jobs(4000)
    const { token: preview_token } = await previewOf(world, prune)
    const written = new Set<number>()
    let over = false
    const write = async () => {
      while (!over) {
        const id = 1 + Math.floor(Math.random() * 4000)
        const rows = await other<
          { id: string }[]
        >`update jobs set priority = priority where id = ${id}::bigint returning id`
        for (const row of rows) written.add(Number(row.id))
      }
    }
    const writers = [write(), write(), write()]
    const { affected, skipped } = doneOf(await ask(world, prune, { preview_token }))
    over = true
    await Promise.all(writers)
    expect(affected + (skipped ?? 0)).toBe(4000)
    const left = new Set((await world.rows()).map(({ id }) => id))
    expect([...written].filter((id) => !left.has(id))).toEqual([])
  })

  it.each([prune, cancelSweep])(
    '$name: leaves a job of which a dependent is held, and none of the others',
    async (change) => {
      const ids = await world.jobs(60, change === prune ? { status: 'failed' } : change.wanted)
      await world.sql`update jobs set uuid = 'job-' || id`
      const [held = 0] = await world.jobs(1, { status: 'queued', days: 0, uuid: 'held' })
      await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('held', ${`job-${ids[40]}`})`
      const letGo = await holding(other, (tx) => tx`select id from jobs where id = ${held}::bigint for update`)
      expect(doneOf(await ask(world, change))).toMatchObject({ affected: 59, skippedLocked: 1 })
      await letGo()
      expect(doneOf(await ask(world, change))).toMatchObject({ affected: 1, skippedLocked: 0 })
      expect(await world.sql`select cancellation_reason as why from jobs where uuid = 'held'`).toEqual([
        { why: expect.stringMatching(/^dependency_/) },
      ])
      await expectIntact(world)
    },
  )

  it('need no more batches for a few of them', async () => {
    await world.jobs(4000)
    const letGo = await holding(other, (tx) => tx`select id from jobs where id % 20 = 0 for update`)
    expect(doneOf(await ask(world, prune))).toMatchObject({ affected: 3800, skippedLocked: 200 })
    await letGo()
    // On a slow machine a batch has 32 jobs, so that there are 120 batches. A batch for each held job would make them 200.
    const { batches } = await recordOf(world, 1)
    expect(batches).toBeLessThan(180)
  })

  it('leave what was written by one of too many transactions to tell apart', async () => {
    const [written = 0] = await world.jobs(2200)
    const commit = await holding(other, async (tx) => {
      await tx`savepoint below`
      await tx`update jobs set priority = priority where id = ${written}::bigint`
    })
    const ids = (await world.rows()).map(({ id }) => id).filter((id) => id !== written)
    await Promise.all(
      [0, 1, 2].map(async (part) => {
        for (const id of ids.filter((_, n) => n % 3 === part))
          await other`update jobs set priority = priority where id = ${id}::bigint`
      }),
    )
    const { token: preview_token, count } = await previewOf(world, prune)
    await commit()
    expect(count).toBe(2200)
    expect(doneOf(await ask(world, prune, { preview_token }))).toMatchObject({ affected: 0, skipped: 2200 })
  })
})

describe('the batches of a change on postgres, beside rows that are let go in time', () => {
  let world: World
  let other: postgres.Sql
  beforeAll(async () => {
    // Longer than a slow machine takes to let go.
    world = await openWorld('postgres', { JOBS_LOCK_TIMEOUT_SECONDS: '60' })
    other = otherProgram(world)
  })
  afterAll(async () => {
    await other?.end()
    await world?.stop()
  })
  beforeEach(() => clearAll(world))

  it.each(changes)('$name: change them, too', async (change) => {
    const [held = 0] = await world.jobs(4, change.wanted)
    const letGo = await holding(other, (tx) => tx`select id from jobs where id = ${held}::bigint for update`)
    const { token: preview_token } = await previewOf(world, change)
    const answer = ask(world, change, { preview_token })
    await until('three are changed', async () => (await recordOf(world, 1).catch(() => undefined))?.affected === 3)
    await letGo()
    expect(doneOf(await answer)).toMatchObject({ affected: 4, skipped: 0, skippedLocked: 0 })
    await expectIntact(world)
  })

  it('may cancel a dependent twice, where another has put it back in between', async () => {
    await world.jobs(1, { status: 'queued', uuid: 'a' })
    const [held = 0] = await world.jobs(1, { status: 'queued', uuid: 'b' })
    const [along = 0] = await world.jobs(1, { status: 'queued', days: 0, uuid: 'c' })
    await world.sql`insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('c', 'a'), ('c', 'b')`
    const letGo = await holding(other, (tx) => tx`select id from jobs where id = ${held}::bigint for update`)
    const answer = ask(world, cancelSweep)
    await until('the first is changed', async () => (await recordOf(world, 1).catch(() => undefined))?.affected === 1)
    await other`update jobs set status = 'queued' where id = ${along}::bigint`
    await letGo()
    expect(doneOf(await answer).affected).toBe(2)
  })
})
