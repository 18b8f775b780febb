import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Wire, wireTo } from '../../../../scripts/launch/wire.ts'
import { workChannel } from '../../../../server/lifecycle/events/job-events.ts'
import type { Running } from '../../../../server/start.ts'
import { closeGate } from '../../../support/gate.ts'
import { hold, quickest, settled } from '../../../support/held-call.ts'
import { call } from '../../../support/http.ts'
import { until } from '../../../support/poll.ts'
import { startServer } from '../../../support/programs/built.ts'
import { type ServerProcess, spawnServer } from '../../../support/programs/spawn-server.ts'
import { workerOf } from '../../../support/worker.ts'
import { openWorld, type World } from '../../../support/world.ts'

describe('calls that wait at one of several servers on a database', () => {
  let world: World
  let worker: ReturnType<typeof workerOf>
  let other: ServerProcess
  let wire: Wire
  /** A server whose connections to the database go over the wire. */
  let wired: Running
  beforeAll(async () => {
    world = await openWorld('postgres')
    worker = workerOf(world.post)
    other = await spawnServer(world.env)
    wire = await wireTo(world.env.JOBS_DB_URL ?? '')
    wired = await startServer({ ...world.env, JOBS_DB_URL: wire.url })
    await wired.prepared
    await until('the other server is ready', () => other.output.out.includes('"ready"'))
  })
  afterAll(async () => {
    await wired?.stop()
    await wire?.stop()
    await other?.kill()
    await world?.stop()
  })
  beforeEach(() => world.clear())

  const there = () => ({ url: wired.url, key: world.key })
  const elsewhere = workerOf((path, body) =>
    call({ url: other.url, method: 'POST', path, body, headers: { 'x-api-key': world.key } }),
  )

  /** How long after its enqueue at another server a waiting call has its job, in milliseconds. */
  async function delay(): Promise<number> {
    const { answer } = hold(there())
    await settled(there())
    const begun = performance.now()
    const made = await elsewhere.enqueue()
    const got = await answer
    expect(got?.jobs).toMatchObject([{ id: made.id }])
    return (got?.at ?? Number.NaN) - begun
  }

  it('are woken at once by an enqueue at another server process', async () => {
    expect(await quickest(delay)).toBeLessThan(400)
  })

  it('are woken again after the connections of their server were cut', async () => {
    wire.cut('reset')
    await until('the server answers again', async () => {
      const { status } = await call({ url: wired.url, method: 'GET', path: '/readyz' })
      return status === 200
    })
    // It listens again a moment after that.
    await until('an enqueue wakes at once', async () => (await delay()) < 400)
  })

  it('get each job once, at whichever server they wait', async () => {
    const servers = [there(), world, { url: other.url, key: world.key }]
    const calls = Array.from(
      { length: 30 },
      (_, n) => hold(servers[n % 3] ?? world, { wait_seconds: 3, limit: 3 }).answer,
    )
    await settled(world)
    const batches = [worker, elsewhere, worker].map((enqueuer) =>
      enqueuer.enqueueAll(Array.from({ length: 20 }, () => ({}))),
    )
    const made = (await Promise.all(batches)).flat()
    const got = (await Promise.all(calls)).flatMap((answer) => answer?.jobs ?? [])
    expect(got.map(({ id }) => id).sort()).toEqual(made.map(({ id }) => id).sort())
  })

  it('are notified once of a whole batch, and of each of its queues', async () => {
    const sql = postgres(world.env.JOBS_DB_URL ?? '', { max: 1 })
    const notices: unknown[] = []
    try {
      await sql.listen(workChannel, (notice) => void notices.push(JSON.parse(notice)))
      await worker.enqueueAll(Array.from({ length: 500 }, (_, n) => ({ queue: n % 2 ? 'a' : 'b' })))
      await worker.enqueue({ queue: 'last' })
      await until('the last notice has come', () => notices.some((notice) => JSON.stringify(notice).includes('last')))
      expect(notices).toEqual([
        expect.arrayContaining([
          ['chatbooks', 'a'],
          ['chatbooks', 'b'],
        ]),
        [['chatbooks', 'last']],
      ])
    } finally {
      await sql.end()
    }
  })

  it('give back at once what was leased for a caller that hung up meanwhile', async () => {
    const sql = postgres(world.env.JOBS_DB_URL ?? '', { max: 2 })
    const [id] = await world.jobs(1, { status: 'queued' })
    try {
      // The lease is made together with its event, which stops at the gate.
      const gate = await closeGate(
        sql,
        `after insert on job_events for each row when (new.event_type = 'job.acquired')`,
      )
      const leaving = hold(world)
      await gate.reached(leaving.answer)
      leaving.hangUp()
      await gate.open()
      const job = await worker.take({ worker_id: 'next', wait_seconds: 10 })
      expect(job).toMatchObject({ id, worker_id: 'next', retry_count: 0, failure_timeline: null })
      expect((await world.steps()).map(({ event_type }) => event_type)).toEqual([
        ...['job.acquired', 'job.released', 'job.acquired'],
      ])
    } finally {
      await sql.end()
    }
  })

  it('ask the database no more often when they are fifty than when one waits', async () => {
    // Calls elsewhere are the clock: by the second each has had its first look, and none is at its end by the fourth.
    const seconds = (wait_seconds: number) => hold(world, { domain: 'nothing', wait_seconds }).answer
    const bytesWhile = async (waiting: number) => {
      const calls = Array.from({ length: waiting }, () => hold(there()))
      await seconds(1)
      const before = wire.sent()
      await seconds(2)
      const sent = wire.sent() - before
      for (const { hangUp } of calls) hangUp()
      return sent
    }
    const one = await bytesWhile(1)
    expect(one).toBeGreaterThan(0)
    // Fifty calls that each asked by itself would send fifty times as much; maintenance may run in either time.
    expect(await bytesWhile(50)).toBeLessThan(15 * one)
  })
})
