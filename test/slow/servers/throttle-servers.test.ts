import { setTimeout as wait } from 'node:timers/promises'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { acquire } from '../../../shared/endpoints.ts'
import { call } from '../../support/http.ts'
import { until } from '../../support/poll.ts'
import { type ServerProcess, spawnServer } from '../../support/programs/spawn-server.ts'
import { held, jobPath, jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, type World } from '../../support/world.ts'

const queue = { domain: 'chatbooks', queue: 'default' }
const workers = 20
const jobs = 60

let world: World
let other: ServerProcess
beforeAll(async () => {
  world = await openWorld('postgres')
  other = await spawnServer(world.env)
})
afterAll(async () => {
  await other?.kill()
  await world?.stop()
})

/** What a worker does with each job, so that a story can be run again. */
const story = fc.record({
  running: fc.integer({ min: 2, max: 6 }),
  limits: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: workers, maxLength: workers }),
  waits: fc.array(fc.constantFrom(0, 1), { minLength: workers, maxLength: workers }),
  endings: fc.array(fc.constantFrom(...Array.from({ length: 8 }, () => 'complete'), 'release', 'vanish'), {
    minLength: 7,
    maxLength: 13,
  }),
  killAfter: fc.integer({ min: 5, max: 30 }),
})

type Story = typeof story extends fc.Arbitrary<infer Told> ? Told : never

/** Works until no job is left, at the servers by turns; a server that is away is left for the other one. */
async function work(nth: number, { limits, waits, endings }: Story, isOver: () => boolean) {
  let at = nth
  let done = 0
  const send = async (path: string, body: object) => {
    at += 1
    const url = at % 2 === 0 ? world.url : other.url
    return call({ url, method: 'POST', path, body, headers: { 'x-api-key': world.key } }).catch(() => undefined)
  }
  while (!isOver()) {
    const answer = await send(jobPaths.acquire, {
      ...queue,
      worker_id: `worker-${nth}`,
      ...{ limit: limits[nth], wait_seconds: waits[nth], lease_seconds: 5 },
    })
    if (answer?.status !== 200) {
      await wait(20)
      continue
    }
    for (const job of acquire.output.parse(answer.body).jobs) {
      await wait(done % 5)
      done += 1
      const ending = endings[done % endings.length]
      if (ending !== undefined && ending !== 'vanish' && job.lease_id !== null)
        await send(jobPath(job.id, ending === 'complete' ? 'complete' : 'release'), held(job))
    }
  }
}

it('twenty workers at two servers, of which one is killed, never run more jobs than the throttle lets', async () => {
  await fc.assert(
    fc.asyncProperty(story, async (told) => {
      await world.clear()
      const { enqueueAll } = workerOf(world.post)
      await enqueueAll(Array.from({ length: jobs }, () => ({ ...queue, max_retries: 100 })))
      const throttled = await world.post('/api/v1/jobs/queue/throttle', { ...queue, running: told.running })
      expect(throttled.status).toBe(200)
      let [most, looks, left, isOver] = [0, 0, jobs, false]
      const working = Array.from({ length: workers }, (_, nth) => work(nth, told, () => isOver))
      let isKilled = false
      try {
        await until(
          'all jobs are done, or in quarantine after three lost leases',
          async () => {
            const [row] = await world.sql<[{ running: number; left: number }]>`
              select count(*) filter (where status = 'processing') as running,
                count(*) filter (where status in ('queued', 'processing')) as left
              from jobs`
            most = Math.max(most, row.running)
            left = row.left
            looks += 1
            if (!isKilled && left < jobs - told.killAfter) {
              isKilled = true
              await other.kill()
              other = await spawnServer(world.env)
            }
            return left === 0 || most > told.running
          },
          240_000,
        )
      } finally {
        isOver = true
        await Promise.all(working)
      }
      expect({ most, left }).toEqual({ most: told.running, left: 0 })
      expect(looks).toBeGreaterThan(20)
    }),
    { numRuns: 2, endOnFailure: true },
  )
}, 600_000)
