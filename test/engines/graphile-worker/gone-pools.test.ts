import { afterEach, beforeEach, expect, it } from 'vitest'
import * as z from 'zod'
import { until } from '../../support/poll.ts'
import type { World } from '../../support/world.ts'
import { besideEachGraphile, type Graphile, type GraphileDatabase, openGraphileDatabase } from '../support/graphile.ts'

const Answer = z.object({
  affected: z.number(),
  refused_count: z.number().default(0),
  refused: z.array(z.object({ job_id: z.string(), reason: z.string() })).default([]),
})

besideEachGraphile('locks of pools', (version) => {
  let database: GraphileDatabase
  let first: Graphile
  let world: World
  beforeEach(async () => {
    database = await openGraphileDatabase(version)
    first = await database.start()
    world = await database.serve()
  })
  afterEach(() => database?.close())

  /** The process ids of the sessions that listen for jobs. */
  const listeners = async () =>
    (
      await database.sql<{ pid: number }[]>`
        select pid from pg_stat_activity where datname = current_database() and query like 'LISTEN "jobs:insert"%'`
    ).map(({ pid }) => pid)
  const poolOf = async (id: string) => {
    const [row] = await database.sql<{ locked_by: string | null }[]>`
      select locked_by from graphile_worker._private_jobs where id = ${id}::bigint`
    return row?.locked_by ?? undefined
  }
  /** Starts a pool that listens, and then gives it a job that it holds. */
  const holdBy = async (graphile: Graphile) => {
    const before = (await listeners()).length
    await graphile.work(2)
    await until('the pool listens', async () => (await listeners()).length > before)
    const [id = ''] = await graphile.add([{ does: 'hold' }])
    await until('the job runs', async () => (await graphile.runs())[id] === 1)
    const pool = await poolOf(id)
    if (pool === undefined) throw new Error('the job has no pool')
    return { id, pool }
  }
  /** A job that a pool holds, though another one could have taken it: each that the other takes is one of its running jobs. */
  const takenBy = async (graphile: Graphile, other: string) => {
    for (let tries = 0; tries < 20; tries += 1) {
      const [id = ''] = await graphile.add([{ does: 'hold' }])
      const pool = await until('a pool has it', () => poolOf(id))
      if (pool !== other) return { id, pool }
    }
    throw new Error('the other pool has taken every job')
  }
  const killed = async (graphile: Graphile) => {
    const before = (await listeners()).length
    await graphile.kill()
    await until('its sessions are gone', async () => (await listeners()).length < before)
  }
  /** Waits until a session that begins now cannot be that of the pool whose lock is the newest. */
  const settled = () =>
    until('the newest lock is eleven seconds old', async () => {
      const [row] = await database.sql`
        select from graphile_worker._private_jobs having max(locked_at) < now() - interval '11 seconds'`
      return row !== undefined
    })
  const fix = async (...more: string[]) => {
    const { out, err } = await world.jobsctl([
      ...['integrity', '--domain', 'graphile_worker', '--fix', '--yes', '--json', ...more],
    ])
    return { ...Answer.parse(JSON.parse(out || '{}')), err }
  }

  it('are freed where the process was killed, and another pool runs the jobs', async () => {
    const { id, pool } = await holdBy(first)
    const second = await database.start()
    await killed(first)
    await settled()
    // Minutes have to pass before a pool counts as gone whose name nobody gives.
    expect(await fix()).toMatchObject({ affected: 0 })
    expect(await fix('--worker', pool)).toMatchObject({ affected: 1, refused_count: 0 })
    expect(await poolOf(id)).toBeUndefined()
    await second.work(1)
    await until('the job runs again', async () => (await second.runs())[id] === 1)
    const [event] = await database.sql`
      select event_type, attrs_json ->> 'worker_id' as worker from jobsctl.job_events where event_type = 'job.reclaimed'`
    expect(event).toEqual({ event_type: 'job.reclaimed', worker: pool })
    const [record] = await database.sql`select kind, affected::int from jobsctl.job_operations order by id desc limit 1`
    expect(record).toMatchObject({ kind: 'integrity', affected: 1 })
  })

  it('are never freed where the pool lives, by whatever name', async () => {
    const { id, pool } = await holdBy(first)
    await settled()
    expect(await fix()).toMatchObject({ affected: 0 })
    const named = await fix('--worker', pool)
    expect(named).toMatchObject({ affected: 0, refused_count: 1, refused: [{ job_id: `_/${id}` }] })
    expect(named.refused[0]?.reason).toMatch(
      /^its pool may live: session \d+ has waited for jobs since .*, before this lock/,
    )
    expect(named.err).toContain('its pool may live')
    expect(await poolOf(id)).toBe(pool)
    await first.release()
    await until('the job is done', async () => (await database.rows()).length === 0)
    expect(await first.runs()).toEqual({ [id]: 1 })
  })

  it('are freed by name alone beside a pool that was started since, whose own stay', async () => {
    const dead = await holdBy(first)
    await killed(first)
    await settled()
    const second = await database.start()
    const living = await holdBy(second)
    await settled()
    // The new pool runs no job of the dead one by itself.
    expect(await poolOf(dead.id)).toBe(dead.pool)
    const { affected } = await fix()
    expect({ affected, pool: await poolOf(dead.id) }).toEqual({ affected: 0, pool: dead.pool })
    expect(await fix('--worker', living.pool)).toMatchObject({ affected: 0, refused_count: 1 })
    expect(await fix('--worker', dead.pool)).toMatchObject({ affected: 1, refused_count: 0 })
    await until('the job runs again', async () => (await second.runs())[dead.id] === 1)
    expect(await poolOf(living.id)).toBe(living.pool)
    await second.release()
    await until('both are done', async () => (await database.rows()).length === 0)
    expect(await second.runs()).toEqual({ [dead.id]: 1, [living.id]: 1 })
  })

  it('are left where an older pool lives, since its session may be that of the lock', async () => {
    const living = await holdBy(await database.start())
    // Both pools have a slot free: the job is for one of them, and that one is killed.
    await first.work(2)
    await until('both listen', async () => (await listeners()).length === 2)
    const dead = await takenBy(first, living.pool)
    await killed(first)
    await settled()
    const answer = await fix('--worker', dead.pool)
    expect(answer).toMatchObject({ affected: 0, refused_count: 1 })
    expect(answer.refused[0]?.reason).toContain('before this lock; end or restart such pools first')
    expect([await poolOf(dead.id), await poolOf(living.id)]).toEqual([dead.pool, living.pool])
  })
})
