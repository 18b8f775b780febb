import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as endpoints from '../../../shared/endpoints.ts'
import { holding } from '../../support/changes/bulk-tools.ts'
import { until } from '../../support/poll.ts'
import { readStream } from '../../support/streams/event-reader.ts'
import { jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

describe('workers wait for nobody who looks', () => {
  let world: World
  let other: postgres.Sql
  let worker: ReturnType<typeof workerOf>
  beforeAll(async () => {
    const connections = { JOBS_DB_POOL: '2', JOBS_DB_OPERATOR_POOL: '2', JOBS_LOCK_TIMEOUT_SECONDS: '60' }
    world = await openWorld('postgres', connections)
    other = postgres(world.env.JOBS_DB_URL ?? '', { max: 3, onnotice: () => {} })
    worker = workerOf(world.post)
    await worker.enqueueAll(Array.from({ length: 5 }, () => ({})))
  })
  afterAll(async () => {
    await other?.end()
    await world?.stop()
  })

  /** How many statements of the server wait for a lock. */
  const waiting = async () => {
    const [row] = await other<{ n: number }[]>`
      select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and application_name = 'jobs-server'`
    return row?.n ?? 0
  }
  /** Runs the calls while nobody can read a table, and finishes a job beside them. */
  async function besideReaders(table: string, read: () => Promise<unknown>[]): Promise<void> {
    const letGo = await holding(other, (tx) => tx`lock table ${tx(table)} in access exclusive mode`)
    const reading = read()
    try {
      await until('readers wait', async () => (await waiting()) >= 2)
      await worker.complete(await worker.take())
      expect((await world.call('GET', '/api/v1/caller')).status).toBe(200)
      expect(await waiting()).toBeGreaterThanOrEqual(2)
    } finally {
      await letGo()
    }
    await Promise.all(reading)
  }

  it('not for reads of the event log', () =>
    besideReaders('jobsctl_expired_events', () =>
      Array.from({ length: 6 }, () => world.call('GET', `${jobPaths.events}?after_id=1`)),
    ))

  it('not for streams of events', () =>
    besideReaders('jobsctl_expired_events', () =>
      Array.from({ length: 6 }, async () => {
        const stream = await readStream(world, '?after_id=1')
        await stream.count(1)
        stream.stop()
      }),
    ))

  it('by their endpoints alone: workers and applications have by-key and caller among all that read', () => {
    const values: Record<string, unknown> = endpoints
    const named = Object.entries(values).flatMap(([name, value]) => (isOfPrograms(value) ? [name] : []))
    expect(named.sort()).toEqual([
      ...[
        'acquire',
        'addAttachment',
        'cancel',
        'cancelRequests',
        'complete',
        'enqueue',
        'enqueueBatch',
        'fail',
        'finishMany',
        'jobByKey',
      ],
      ...['leasedJob', 'release', 'renew', 'renewMany', 'showCaller'],
    ])
  })
})

const isOfPrograms = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'forPrograms' in value && value.forPrograms === true
