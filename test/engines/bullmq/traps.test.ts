import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import * as z from 'zod'
import { until } from '../../support/poll.ts'
import type { World } from '../../support/world.ts'
import {
  type Bull,
  type BullDatabase,
  besideEachBull,
  changeable,
  openBullDatabase,
  untilNone,
} from '../support/bull.ts'

const Checks = z.object({ checks: z.array(z.object({ check: z.string(), ids: z.array(z.string()) })) })
const Answer = z.looseObject({
  affected: z.number(),
  preview: z.looseObject({ count: z.number(), token: z.string() }).optional(),
})

/** Each test first shows what the obvious SQL does, and then that jobsctl does not. */
besideEachBull(changeable.slice(-1), 'what the obvious SQL gets wrong', (version) => {
  let database: BullDatabase
  let world: World
  let bull: Bull
  // Each worker has connections of its own: they end with the test.
  beforeEach(async () => {
    database = await openBullDatabase(version)
    bull = await database.start()
    world = await database.serve()
  })
  afterEach(() => database?.close())

  const jobsctl = async (...argv: string[]) => {
    const { code, out, err } = await world.jobsctl([...argv, '--yes', '--json'])
    expect({ argv, code, err: code === 0 ? '' : err }).toEqual({ argv, code: 0, err: '' })
    return JSON.parse(out)
  }
  const found = async () => {
    const { checks } = Checks.parse(JSON.parse((await world.jobsctl(['integrity', '--all', '--json'])).out))
    return Object.fromEntries(checks.flatMap(({ check, ids }) => (ids.length > 0 ? [[check, ids]] : [])))
  }
  const begun = async (key: string) => (await bull.runs())[key]?.begun ?? 0
  const states = async (queue: string) => {
    const rows = await database.sql<{ id: string; state: string }[]>`
      select id, state::text as state from bullmq.job where queue = ${queue}`
    return Object.fromEntries(rows.map(({ id, state }) => [id, state]))
  }

  it('a retry that sets the state wakes no worker that waits for a job an hour ahead', async () => {
    const { sql } = database
    const failing = await bull.add('asleep', [{ data: { does: 'fail once' } }, { data: { does: 'fail once' } }])
    await bull.work('asleep')
    await untilNone(database, 'asleep', 'waiting', 'active')
    await bull.add('asleep', [{ opts: { delay: 3_600_000 } }])
    await setTimeout(1000)
    const [first = '', second = ''] = failing
    await sql`
      update bullmq.job set state = 'waiting', finished_at_ms = null, failed_reason = null, attempts_made = 0, seq = nextval('bullmq.job_seq')
      where queue = 'asleep' and id = ${first}`
    await setTimeout(3000)
    expect(await begun(`asleep/${first}`)).toBe(1)
    await jobsctl('retry', `asleep/${second}`)
    await until(
      'both have run again',
      async () => (await begun(`asleep/${first}`)) + (await begun(`asleep/${second}`)) === 4,
      5000,
    )
  })

  it('a delete of failed jobs takes a child that a parent still waits for', async () => {
    const { sql } = database
    const flow = (queue: string) =>
      bull.flow({
        ...{ name: 'parent', queueName: `${queue} parents` },
        children: [{ name: 'child', queueName: queue, data: { does: 'fail' } }],
      })
    for (const queue of ['swept', 'pruned']) {
      await flow(queue)
      await bull.work(queue)
      await untilNone(database, queue, 'waiting', 'active')
      await sql`update bullmq.job set finished_at_ms = finished_at_ms - 172800000 where queue = ${queue}`
    }
    await sql`delete from bullmq.job where queue = 'swept' and state = 'failed'`
    expect(await jobsctl('prune', '--domain', 'bullmq', '--queue', 'pruned', '--older-than', '1d')).toMatchObject({
      affected: 0,
    })
    const { child_gone, child_failed } = await found()
    expect(child_gone).toEqual([expect.stringMatching(/^swept parents\//)])
    expect(child_failed).toEqual([expect.stringMatching(/^pruned parents\//)])
  })

  it('a row that is inserted after obliterate takes the place of the next new job, which vanishes', async () => {
    const { sql } = database
    const [id = ''] = await bull.add('anew', [{ data: { is: 'old' } }])
    await bull.work('anew')
    await untilNone(database, 'anew', 'waiting', 'active')
    const [kept] = await sql<{ row: unknown }[]>`select to_jsonb(j) as row from bullmq.job as j where queue = 'anew'`
    await bull.call('anew', 'pause')
    await bull.call('anew', 'obliterate', { force: true })
    await sql`insert into bullmq.job select (jsonb_populate_record(null::bullmq.job, ${JSON.stringify(kept?.row)}::text::jsonb)).*`
    // BullMQ says that it has added the job, and keeps the one that is there.
    expect(await bull.add('anew', [{ data: { is: 'new' } }])).toEqual([id])
    expect(await sql`select data ->> 'is' as is from bullmq.job where queue = 'anew'`).toEqual([{ is: 'old' }])
  })

  it('a retry of parent and child that leaves their edge runs the parent without its child', async () => {
    const { sql } = database
    const opts = { failParentOnFailure: true }
    for (const queue of ['loose', 'tied']) {
      await bull.flow({
        ...{ name: 'parent', queueName: `${queue} parents` },
        children: [{ name: 'child', queueName: queue, data: { does: 'fail once' }, opts }],
      })
      await bull.work(queue)
      await bull.work(`${queue} parents`)
      await untilNone(database, `${queue} parents`, 'waiting', 'active', 'waiting-children', 'delayed')
    }
    // The child is due later, so that the order does not hang on who is faster.
    await sql`
      update bullmq.job set state = 'waiting', finished_at_ms = null, failed_reason = null, deferred_failure = null, attempts_made = 0
      where queue = 'loose parents'`
    await sql`select pg_notify('bullmq_jobs', 'loose parents')`
    await untilNone(database, 'loose parents', 'waiting', 'active')
    expect(Object.values(await states('loose'))).toEqual(['failed'])
    expect(await jobsctl('retry', '--domain', 'bullmq', '--queue', 'tied parents')).toMatchObject({ affected: 1 })
    expect(Object.values(await states('tied parents'))).toEqual(['waiting-children'])
    await jobsctl('retry', '--domain', 'bullmq', '--queue', 'tied')
    await until('the parent has run after its child', async () =>
      Object.values(await states('tied parents')).every((state) => state === 'completed'),
    )
  })

  it('a delete of the job of a scheduler ends its schedule for ever', async () => {
    const { sql } = database
    for (const queue of ['ended', 'goes on'])
      await bull.call(queue, 'upsertJobScheduler', 'often', { every: 500 }, { name: 'often' })
    await sql`delete from bullmq.job where queue = 'ended' and state in ('waiting', 'delayed')`
    expect(await jobsctl('cancel', '--domain', 'bullmq', '--queue', 'goes on')).toMatchObject({
      affected: 0,
      refused_count: 1,
    })
    expect((await found()).scheduler_ended).toEqual(['ended/often'])
    for (const queue of ['ended', 'goes on']) await bull.work(queue)
    await until('the other has made jobs', async () => Object.keys(await states('goes on')).length > 2)
    expect(await states('ended')).toEqual({})
  })

  it('a cancel that sets the state keeps the deduplication id, and new jobs are dropped', async () => {
    const { sql } = database
    const opts = { deduplication: { id: 'one' } }
    const [first = ''] = await bull.add('held id', [{ opts }])
    await sql`update bullmq.job set state = 'failed', finished_at_ms = 1, failed_reason = 'cancelled' where queue = 'held id'`
    expect(await bull.add('held id', [{ opts }])).toEqual([first])
    expect((await found()).deduplicates_for_ever).toEqual([`held id/${first}`])
    const [second = ''] = await bull.add('free id', [{ opts }])
    await jobsctl('cancel', `free id/${second}`)
    expect(await bull.add('free id', [{ opts }])).not.toEqual([second])
  })

  it('a retry by state alone takes a job that has failed again since its preview; a look for stalled jobs takes none away', async () => {
    const { sql } = database
    await bull.work('looked at', { stalledInterval: 3_600_000 })
    const [looked = '', again = ''] = await bull.add('looked at', [
      { data: { does: 'fail' } },
      { data: { does: 'fail' } },
    ])
    await untilNone(database, 'looked at', 'waiting', 'active')
    // Workers look for stalled jobs: they mark what runs, and take the mark from what has ended since. These look once an hour.
    await sql`update bullmq.job set stalled_marked = true where queue = 'looked at' and id = ${looked}`
    // retryJobs takes all that have failed up to a time.
    await sql`update bullmq.job set finished_at_ms = finished_at_ms - 3600000 where queue = 'looked at' and id = ${again}`
    const request = { domain: 'bullmq', queue: 'looked at', only_failed: true }
    const retry = async (more: object) => {
      const { body } = await world.confirm('/api/v1/jobs/retry-now', { ...request, ...more })
      return Answer.parse(body)
    }
    const { preview } = await retry({ dry_run: true })
    expect(preview?.count).toBe(2)
    const marked = async () => (await sql`select from bullmq.job where queue = 'looked at' and stalled_marked`).length
    expect(await marked()).toBe(1)
    // One more process looks as soon as it starts. Its worker takes no job.
    const looking = await database.start()
    await looking.call('looked at', 'pause')
    await looking.work('looked at', { stalledInterval: 500 })
    await until('a worker has looked', async () => (await marked()) === 0)
    await looking.kill()
    await bull.call('looked at', 'resume')
    await bull.call('looked at', 'retryJobs', { state: 'failed', count: 1, timestamp: Date.now() - 1800000 })
    await until('it has failed again', async () => (await begun(`looked at/${again}`)) === 2)
    await untilNone(database, 'looked at', 'waiting', 'active')
    expect(await sql`select from bullmq.job where queue = 'looked at' and state = 'failed'`).toHaveLength(2)
    expect(await retry({ preview_token: preview?.token })).toMatchObject({ affected: 1 })
    await until('the other one has run again', async () => (await begun(`looked at/${looked}`)) === 2)
    expect(await begun(`looked at/${again}`)).toBe(2)
  })
})
