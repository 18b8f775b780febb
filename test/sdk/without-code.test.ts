import { afterAll, beforeAll, expect, it } from 'vitest'
import { JobFailure } from '../../sdk/worker.ts'
import { until } from '../support/poll.ts'
import { startWorker } from '../support/sdk/running-worker.ts'
import { workerOf } from '../support/worker.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld('postgres')
})
afterAll(() => world?.stop())

it('quarantines none of 50 jobs whose service is away for a while, and does all of them', async () => {
  await workerOf(world.post).enqueueAll(Array.from({ length: 50 }, () => ({ max_retries: 25, domain: 'sdk' })))
  let calls = 0
  startWorker({
    ...{ url: world.url, apiKey: world.key, domain: 'sdk', concurrency: 10 },
    handlers: {
      '*': () => {
        calls += 1
        // Each job fails about five times.
        if (calls <= 250) throw new JobFailure('connect ECONNREFUSED', { backoffSeconds: 0 })
      },
    },
  })
  await until('all have ended', async () =>
    (await world.rows()).every(({ status }) => status !== 'queued' && status !== 'processing'),
  )
  const rows = await world.rows()
  expect(rows.map(({ status }) => status)).toEqual(Array.from({ length: 50 }, () => 'completed'))
  expect(rows.filter(({ retry_count }) => Number(retry_count) > 3).length).toBeGreaterThan(0)
})
