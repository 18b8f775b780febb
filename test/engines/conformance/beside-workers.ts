import { expect } from 'vitest'
import * as z from 'zod'
import { until } from '../../support/poll.ts'
import { jobsOf } from './jobs.ts'
import type { Stage } from './suite.ts'

const Previewed = z.object({ preview: z.object({ count: z.number(), token: z.string() }) })
const Cancelled = z.object({ affected: z.number(), skipped: z.number() })

/** Previews a cancel of jobs that wait, lets workers begin, and cancels what the preview showed. */
export async function changeBesideWorkers({ engine, database, world, rows }: Stage): Promise<void> {
  const keys = await database.add(jobsOf(engine, 300, 'end slowly'))
  const request = { domain: engine.domain, status: ['queued'] }
  const path = '/api/v1/jobs/batch/cancel'
  const { preview } = Previewed.parse((await world.post(path, { ...request, dry_run: true })).body)
  expect(preview.count).toBe(keys.length)
  const workers = await database.work(engine.queues)
  await until('a worker has begun', async () => Object.keys(await workers.runs()).length > 0)
  const answer = await world.confirm(path, { ...request, preview_token: preview.token })
  expect(answer).toMatchObject({ status: 200 })
  const { affected, skipped } = Cancelled.parse(answer.body)
  expect(affected).toBeGreaterThan(0)
  expect(affected + skipped).toBe(preview.count)
  await rows.untilIdle()
  const runs = await workers.runs()
  await workers.kill()
  expect(Object.values(runs).filter((begun) => begun !== 1)).toEqual([])
  expect(keys.filter((key) => runs[key] === undefined)).toHaveLength(affected)
}

/** Retries failed jobs by three calls at once while workers take what is retried. */
export async function retryThreeTimes({ engine, database, world, rows }: Stage): Promise<void> {
  const workers = await database.work(engine.queues)
  const keys = await database.add(jobsOf(engine, 200, 'fail once'))
  await rows.untilIdle()
  expect(Object.values(await workers.runs())).toEqual(keys.map(() => 1))
  const retry = () => world.jobsctl(['retry', '--domain', engine.domain, '--yes'])
  const answers = await Promise.all([retry(), retry(), retry()])
  // Another retry of the same jobs may be told that one is under way.
  expect(answers.map(({ code }) => code)).toContain(0)
  await until('every job has run again', async () => Object.values(await workers.runs()).every((begun) => begun > 1))
  await rows.untilIdle()
  const runs = await workers.runs()
  await workers.kill()
  expect(keys.filter((key) => runs[key] !== 2)).toEqual([])
}
