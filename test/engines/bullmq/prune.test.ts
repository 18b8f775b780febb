import { afterAll, beforeAll, expect, it } from 'vitest'
import type { World } from '../../support/world.ts'
import { operationOf } from '../support/admin.ts'
import {
  type Bull,
  type BullDatabase,
  besideEachBull,
  changeable,
  openBullDatabase,
  untilNone,
} from '../support/bull.ts'

besideEachBull(changeable, 'prune', (version) => {
  let database: BullDatabase
  let world: World
  let bull: Bull
  beforeAll(async () => {
    database = await openBullDatabase(version)
    bull = await database.start()
    world = await database.serve()
  })
  afterAll(() => database?.close())

  /** Runs jobs of a queue, and makes them two days older. */
  const ended = async (queue: string, count: number) => {
    await bull.add(
      queue,
      Array.from({ length: count }, (_, i) => ({ data: { does: i % 2 === 0 ? 'end' : 'fail', i } })),
    )
    await bull.work(queue, { concurrency: 20 })
    await untilNone(database, queue, 'waiting', 'active')
    await database.sql`update bullmq.job set finished_at_ms = finished_at_ms - 172800000 where queue = ${queue}`
  }
  const rows = (queue: string) => database.sql`select from bullmq.job where queue = ${queue}`
  const prune = (queue: string) =>
    world.jobsctl(['prune', '--domain', 'bullmq', '--queue', queue, '--older-than', '1d', '--yes', '--json'])

  it('is not undone after obliterate, and the next job is stored', async () => {
    await ended('gone', 10)
    const pruned = await prune('gone')
    expect(JSON.parse(pruned.out)).toMatchObject({ affected: 10 })
    await bull.call('gone', 'pause')
    await bull.call('gone', 'obliterate', { force: true })
    const undone = await world.jobsctl(['undo', operationOf(pruned), '--yes', '--json'])
    expect(undone.code).not.toBe(0)
    expect(`${undone.out}${undone.err}`).toContain('has begun anew')
    expect(await rows('gone')).toHaveLength(0)
    const [first] = await bull.add('gone', [{ data: { is: 'new' } }])
    expect(first).toBe('1')
    await untilNone(database, 'gone', 'waiting', 'active')
    expect(await database.sql`select id, data from bullmq.job where queue = 'gone'`).toEqual([
      { id: '1', data: { is: 'new' } },
    ])
  })

  it('keeps the failed child of a parent that still waits', async () => {
    await bull.flow({
      name: 'parent',
      queueName: 'parents',
      children: [{ name: 'child', queueName: 'children', data: { does: 'fail once' } }],
    })
    await bull.work('children')
    await untilNone(database, 'children', 'waiting', 'active')
    await database.sql`update bullmq.job set finished_at_ms = finished_at_ms - 172800000 where queue = 'children'`
    expect(JSON.parse((await prune('children')).out)).toMatchObject({ affected: 0 })
    // The child runs again, and with it the parent.
    await bull.work('parents')
    expect(await world.jobsctl(['retry', '--domain', 'bullmq', '--queue', 'children', '--yes'])).toMatchObject({
      code: 0,
    })
    await untilNone(database, 'children', 'waiting', 'active', 'failed')
    await untilNone(database, 'parents', 'waiting', 'active', 'waiting-children')
    expect(await database.sql`select state from bullmq.job where queue = 'parents'`).toEqual([{ state: 'completed' }])
  })

  it('keeps a job whose deletion would delete rows of an application', async () => {
    await ended('referred', 4)
    const { sql } = database
    await sql`
      create table notes (in_queue text, job text, foreign key (in_queue, job) references bullmq.job (queue, id) on delete cascade)`
    await sql`insert into notes select queue, id from bullmq.job where queue = 'referred' limit 1`
    await sql`insert into bullmq.job_log (queue, job_id, idx, row) select queue, id, 1, 'a line' from bullmq.job where queue = 'referred'`
    const refused = await prune('referred')
    expect(`${refused.out}${refused.err}`).toContain('no undo gives them back: public.notes 1; nothing was changed')
    expect(await sql`select from notes`).toHaveLength(1)
    expect(await rows('referred')).toHaveLength(4)
    await sql`drop table notes`
    expect(JSON.parse((await prune('referred')).out)).toMatchObject({ affected: 4 })
  })

  it('leaves deduplication ids as clean() does: one without an end is free for the next job, and one with a term lasts', async () => {
    const { sql } = database
    const dedups = (queue: string) => sql`select job_id from bullmq.dedup where queue = ${queue}`
    for (const by of ['prune', 'clean'] as const)
      for (const ttl of [undefined, 600_000]) {
        const queue = `${by} ${ttl ?? 'without an end'}`
        const job = { data: { does: 'end' as const }, opts: { deduplication: { id: 'one', ttl } } }
        const [first = ''] = await bull.add(queue, [job])
        await bull.work(queue)
        await untilNone(database, queue, 'waiting', 'active')
        await sql`update bullmq.job set finished_at_ms = finished_at_ms - 172800000 where queue = ${queue}`
        await sql`insert into bullmq.dedup (queue, dedup_id, job_id) values (${queue}, 'one', ${first}) on conflict do nothing`
        if (by === 'prune') expect(JSON.parse((await prune(queue)).out)).toMatchObject({ affected: 1 })
        else await bull.call(queue, 'clean', 0, 10, 'completed')
        expect([queue, await rows(queue), await dedups(queue)]).toEqual([queue, [], [{ job_id: first }]])
        const integrity = await world.jobsctl(['integrity', '--domain', 'bullmq', '--queue', queue, '--output', 'json'])
        expect(integrity).toMatchObject({ code: 0, out: expect.not.stringContaining('deduplication_without_job') })
        const [next] = await bull.add(queue, [job])
        expect([queue, next === first]).toEqual([queue, ttl !== undefined])
      }
  })
})
