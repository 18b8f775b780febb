import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
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

besideEachBull(changeable, 'flows, schedulers and queues', (version) => {
  let database: BullDatabase
  let world: World
  let bull: Bull
  beforeAll(async () => {
    database = await openBullDatabase(version)
    bull = await database.start()
    world = await database.serve()
  })
  afterAll(() => database?.close())

  const states = async (queue: string) => {
    const rows = await database.sql<{ state: string }[]>`
      select state::text as state from bullmq.job where queue = ${queue} order by state::text`
    return rows.map(({ state }) => state)
  }

  it('run the child first where parent and child failed together', async () => {
    await bull.flow({
      name: 'parent',
      queueName: 'parents',
      children: [
        { name: 'child', queueName: 'children', data: { does: 'fail once' }, opts: { failParentOnFailure: true } },
      ],
    })
    await bull.work('children')
    await bull.work('parents')
    await untilNone(database, 'parents', 'waiting', 'active', 'waiting-children', 'delayed')
    expect(await database.sql`select state from bullmq.job where queue = 'parents'`).toEqual([{ state: 'failed' }])
    const { code } = await world.jobsctl(['retry', '--domain', 'bullmq', '--yes'])
    expect(code).toBe(0)
    await until('both have completed', async () => {
      const rows =
        await database.sql`select from bullmq.job where state = 'completed' and queue in ('parents', 'children')`
      return rows.length === 2
    })
    const runs = Object.entries(await bull.runs()).map(([key, { begun }]) => [key.split('/')[0], begun])
    expect(runs.toSorted()).toEqual([
      ['children', 2],
      ['parents', 1],
    ])
  })

  it('run the parent again where it was deleted while its child was retried, and came back', async () => {
    await bull.flow({
      ...{ name: 'parent', queueName: 'back' },
      children: [
        { name: 'child', queueName: 'backs', data: { does: 'fail once' }, opts: { failParentOnFailure: true } },
      ],
    })
    await bull.work('backs')
    await bull.work('back')
    await untilNone(database, 'back', 'waiting', 'active', 'waiting-children', 'delayed')
    await database.sql`update bullmq.job set finished_at_ms = 1 where queue = 'back'`
    const scope = ['--domain', 'bullmq', '--queue', 'back', '--yes']
    const pruned = operationOf(await world.jobsctl(['prune', ...scope, '--json']))
    expect(await world.jobsctl(['retry', '--domain', 'bullmq', '--queue', 'backs', '--yes'])).toMatchObject({ code: 0 })
    await untilNone(database, 'backs', 'waiting', 'active', 'failed')
    expect(await world.jobsctl(['undo', pruned, '--yes'])).toMatchObject({ code: 0 })
    expect(await world.jobsctl(['retry', ...scope])).toMatchObject({ code: 0 })
    await untilNone(database, 'back', 'waiting', 'active', 'waiting-children', 'failed')
    const [edge] = await database.sql`select status::text, value from bullmq.job_dependency where parent_queue = 'back'`
    expect(edge).toEqual({ status: 'processed', value: { runs: 2 } })
  })

  it('keep their scheduler: its job is refused, and goes on', async () => {
    await bull.call('nightly', 'upsertJobScheduler', 'each night', { pattern: '0 0 3 * * *' }, { name: 'nightly' })
    const cancelled = await world.jobsctl(['cancel', '--domain', 'bullmq', '--queue', 'nightly', '--yes', '--json'])
    expect(JSON.parse(cancelled.out)).toMatchObject({ affected: 0, refused_count: 1 })
    expect(await database.sql`select state from bullmq.job where queue = 'nightly'`).toEqual([{ state: 'delayed' }])
  })

  it('end a waiting job as failed for those who wait for it, and free its deduplication id', async () => {
    const opts = { deduplication: { id: 'one' } }
    const [first] = await bull.add('dedup', [{ opts }])
    expect(await bull.add('dedup', [{ opts }])).toEqual([first])
    expect(await world.jobsctl(['cancel', `dedup/${first}`, '--yes'])).toMatchObject({ code: 0 })
    const [second] = await bull.add('dedup', [{ opts }])
    expect(second).not.toBe(first)
    const [told] = await database.sql`
      select data ->> 'failedReason' as why from bullmq.event where queue = 'dedup' and event = 'failed'`
    expect(told?.why).toMatch(/^cancelled by /)
  })

  it('pause a queue for its workers, and resume it at once', async () => {
    await bull.work('paused')
    await bull.add('paused', [{}])
    await untilNone(database, 'paused', 'waiting', 'active')
    expect(await world.jobsctl(['pause', 'bullmq/paused', '--yes'])).toMatchObject({ code: 0 })
    expect(await bull.call('paused', 'isPaused')).toBe(true)
    const [id] = await bull.add('paused', [{}])
    expect(await world.jobsctl(['explain', `paused/${id}`])).toMatchObject({
      out: expect.stringContaining('queue_paused'),
    })
    expect((await bull.runs())[`paused/${id}`]).toBeUndefined()
    expect(await world.jobsctl(['resume', 'bullmq/paused', '--yes'])).toMatchObject({ code: 0 })
    await untilNone(database, 'paused', 'waiting', 'active')
    expect((await bull.runs())[`paused/${id}`]).toMatchObject({ ended: 1 })
  })

  it('take the priority of BullMQ: a lower number first, and 0 before 1', async () => {
    await bull.call('ranked', 'pause')
    const ids = await bull.add('ranked', [{}, {}, {}])
    expect(await world.jobsctl(['priority', `ranked/${ids[0]}`, '--to', '3', '--yes'])).toMatchObject({ code: 0 })
    expect(await world.jobsctl(['priority', `ranked/${ids[1]}`, '--to', '2', '--yes'])).toMatchObject({ code: 0 })
    await bull.work('ranked')
    await bull.call('ranked', 'resume')
    await untilNone(database, 'ranked', 'waiting', 'active')
    const order = await database.sql<{ id: string }[]>`
      select id from bullmq.job where queue = 'ranked' order by processed_at_ms, finished_at_ms`
    expect(order.map(({ id }) => id)).toEqual([ids[2], ids[1], ids[0]])
  })

  it('run a retried parent after all its children, where one has failed and another still waits', async () => {
    const { sql } = database
    const of = (queue: string) => ['--domain', 'bullmq', '--queue', queue, '--yes', '--json']
    await bull.flow({
      ...{ name: 'parent', queueName: 'awaiting' },
      children: [
        { name: 'first', queueName: 'awaited', data: { does: 'fail once' }, opts: { failParentOnFailure: true } },
        { name: 'second', queueName: 'awaited', opts: { delay: 3_600_000 } },
      ],
    })
    await bull.work('awaited')
    await bull.work('awaiting')
    await untilNone(database, 'awaiting', 'waiting', 'active', 'waiting-children')
    const rows = async () =>
      (
        await sql`
        select to_jsonb(j) - 'stalled_marked' as row from bullmq.job as j where queue in ('awaiting', 'awaited')
        union all
        select to_jsonb(e) from bullmq.job_dependency as e where parent_queue = 'awaiting'`
      )
        .map(({ row }) => JSON.stringify(row))
        .toSorted()
    const before = await rows()
    const undone = await world.jobsctl([
      'undo',
      operationOf(await world.jobsctl(['retry', ...of('awaiting')])),
      '--yes',
    ])
    expect(undone).toMatchObject({ code: 0 })
    expect(await rows()).toEqual(before)
    await world.jobsctl(['retry', ...of('awaiting')])
    const { out } = await world.jobsctl(['integrity', '--all', '--json'])
    expect(JSON.parse(out).checks).toContainEqual(expect.objectContaining({ check: 'child_failed', jobs: 1 }))
    await world.jobsctl(['reschedule', ...of('awaited'), '--now'])
    await untilNone(database, 'awaited', 'waiting', 'active', 'delayed')
    expect(await states('awaiting')).toEqual(['waiting-children'])
    await world.jobsctl(['retry', ...of('awaited')])
    await untilNone(database, 'awaiting', 'waiting', 'active', 'waiting-children')
    expect(await states('awaiting')).toEqual(['completed'])
  })

  it.each(['ignoreDependencyOnFailure', 'removeDependencyOnFailure'])(
    'run no child again that the parent has gone on without, while it waits for another: %s',
    async (option) => {
      const [children, parents] = [`children ${option}`, `parents ${option}`]
      await bull.flow({
        ...{ name: 'parent', queueName: parents },
        children: [
          { name: 'first', queueName: children, data: { does: 'fail once' }, opts: { [option]: true } },
          { name: 'second', queueName: children, opts: { delay: 3_600_000 } },
        ],
      })
      await bull.work(children)
      await bull.work(parents)
      await untilNone(database, children, 'waiting', 'active')
      const retry = ['retry', '--domain', 'bullmq', '--queue', children, '--yes', '--json']
      // BullMQ counts a child of the parent off whenever a child completes, so that the parent would run before the second one.
      expect(JSON.parse((await world.jobsctl(retry)).out)).toMatchObject({ affected: 0, refused_count: 1 })
      expect(await states(parents)).toEqual(['waiting-children'])
      const [second] = await database.sql`select id from bullmq.job where queue = ${children} and name = 'second'`
      expect(await world.jobsctl(['reschedule', `${children}/${second?.id}`, '--now', '--yes'])).toMatchObject({
        code: 0,
      })
      await untilNone(database, parents, 'waiting', 'active', 'waiting-children')
      expect(await states(parents)).toEqual(['completed'])
      expect(JSON.parse((await world.jobsctl(retry)).out)).toMatchObject({ affected: 1 })
      await untilNone(database, children, 'waiting', 'active', 'failed')
      expect(await states(parents)).toEqual(['completed'])
    },
  )

  it('run again, and do not fail at once, where they were cancelled before BullMQ had failed them', async () => {
    await bull.call('failing parents', 'pause')
    await bull.flow({
      ...{ name: 'parent', queueName: 'failing parents' },
      children: [
        { name: 'child', queueName: 'failing', data: { does: 'fail once' }, opts: { failParentOnFailure: true } },
      ],
    })
    await bull.work('failing')
    await untilNone(database, 'failing parents', 'waiting-children')
    // The next worker that takes the parent would fail it.
    const cancelled = await world.jobsctl(['cancel', '--domain', 'bullmq', '--queue', 'failing parents', '--yes'])
    expect(cancelled).toMatchObject({ code: 0 })
    for (const queue of ['failing parents', 'failing'])
      expect(await world.jobsctl(['retry', '--domain', 'bullmq', '--queue', queue, '--yes'])).toMatchObject({ code: 0 })
    await untilNone(database, 'failing', 'waiting', 'active')
    await bull.work('failing parents')
    await bull.call('failing parents', 'resume')
    await untilNone(database, 'failing parents', 'waiting', 'active', 'waiting-children')
    expect(await states('failing parents')).toEqual(['completed'])
  })

  it('end a job that its scheduler does without: one that ran before, and one whose scheduler is gone', async () => {
    const { sql } = database
    const cancel = async () => {
      const { out } = await world.jobsctl(['cancel', '--domain', 'bullmq', '--queue', 'often', '--yes', '--json'])
      return JSON.parse(out)
    }
    await bull.call('often', 'upsertJobScheduler', 'each hour', { every: 3_600_000 }, { data: { does: 'fail' } })
    await bull.work('often')
    await until('it has failed once', async () => {
      const rows = await sql`select from bullmq.job where queue = 'often' and state = 'failed'`
      return rows.length === 1
    })
    await bull.call('often', 'pause')
    expect(await world.jobsctl(['retry', '--domain', 'bullmq', '--queue', 'often', '--yes'])).toMatchObject({ code: 0 })
    expect(await states('often')).toEqual(['delayed', 'waiting'])
    expect(await cancel()).toMatchObject({ affected: 1, refused_count: 1 })
    expect(await states('often')).toEqual(['delayed', 'failed'])
    // BullMQ leaves the next job where it is no longer delayed.
    await sql`update bullmq.job set state = 'waiting', delay_ms = 0 where queue = 'often' and state = 'delayed'`
    await bull.call('often', 'removeJobScheduler', 'each hour')
    expect(await cancel()).toMatchObject({ affected: 1 })
    expect(await states('often')).toEqual(['failed', 'failed'])
  })

  it('are not told of where a scheduler has made all its jobs', async () => {
    const { sql } = database
    for (const [id, ends] of Object.entries({ limit: { limit: 2 }, end: { endDate: Date.now() + 500 } }))
      await bull.call('scheduled', 'upsertJobScheduler', id, { every: 300, ...ends }, { name: id })
    await bull.work('scheduled')
    await until('both have ended', async () => {
      const rows = await sql`
        select name from bullmq.job where queue = 'scheduled' and name in ('limit', 'end') and state = 'completed' group by name having count(*) > 1`
      const [live] = await sql`select from bullmq.job where queue = 'scheduled' and state <> 'completed' limit 1`
      return rows.length === 2 && live === undefined
    })
    await bull.call('lost', 'upsertJobScheduler', 'limit', { every: 3_600_000, limit: 9 }, { name: 'lost' })
    await sql`delete from bullmq.job where queue = 'lost'`
    const { out } = await world.jobsctl(['integrity', '--domain', 'bullmq', '--output', 'json'])
    expect(out).toContain('lost/limit')
    expect(out).not.toContain('scheduled/')
  })

  it('take back a retry and a priority where another job has taken the deduplication id since, but no cancel', async () => {
    await bull.call('taken', 'pause')
    const { sql } = database
    const undoOf = async (...change: string[]) => {
      const [id = ''] = await bull.add('taken', [{ opts: { deduplication: { id: change[0] } } }])
      if (change[0] === 'retry')
        await sql`update bullmq.job set state = 'failed', failed_reason = 'lost', finished_at_ms = added_at_ms where queue = 'taken' and id = ${id}`
      const changed = await world.jobsctl([...change, `taken/${id}`, '--yes', '--json'])
      await sql`delete from bullmq.dedup where queue = 'taken' and job_id = ${id}`
      await bull.add('taken', [{ opts: { deduplication: { id: change[0] } } }])
      return (await world.jobsctl(['undo', operationOf(changed), '--yes'])).code
    }
    expect(await undoOf('priority', '--to', '4')).toBe(0)
    expect(await undoOf('retry')).toBe(0)
    expect(await undoOf('cancel')).toBe(6)
  })
})
