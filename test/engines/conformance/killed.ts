import { expect } from 'vitest'
import * as z from 'zod'
import { until } from '../../support/poll.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'
import { spawnServer } from '../../support/programs/spawn-server.ts'
import { jobsOf } from './jobs.ts'
import { differencesOf } from './rows.ts'
import type { Stage } from './suite.ts'

const key = 'key-of-the-tests'
const copies = 5_000

const Operations = z.tuple([z.looseObject({ id: z.number(), state: z.string(), affected: z.number() })])

/** Kills a server in a slow prune, and lets another server give back what is gone. */
export async function expectKilledRecorded({ engine, database, rows }: Stage): Promise<void> {
  await database.add(jobsOf(engine, 1, 'fail'))
  const workers = await database.work(engine.queues)
  await rows.untilIdle()
  await workers.kill()
  await rows.age()
  await rows.copy(copies)
  const before = await rows.read(engine.volatile.prune)
  const jobs = await rows.count()
  let server = await spawnServer({ ...database.env, SINGLE_USER_API_KEY: key })
  const jobsctl = (...argv: string[]) => runJobsctl(argv, { env: { JOBSCTL_URL: server.url, JOBSCTL_API_KEY: key } })
  await jobsctl('doctor', '--retries', '5')
  const scope = ['--domain', engine.domain, '--older-than', '1d']
  const pruning = jobsctl('prune', ...scope, '--rate', '1000', '--yes').catch(() => undefined)
  await until('the prune has begun', async () => (await rows.count()) < jobs)
  await server.kill()
  await pruning
  server = await spawnServer({ ...database.env, SINGLE_USER_API_KEY: key })
  const operation = await until('the record is closed', async () => {
    const { code, out } = await jobsctl('operations', '--json')
    const [last] = code === 0 ? Operations.parse(JSON.parse(out)) : []
    return last?.state === 'running' ? undefined : last
  })
  expect(jobs - (await rows.count())).toBe(operation.affected)
  const undone = await jobsctl('undo', String(operation.id), '--yes', '--json')
  expect(JSON.parse(undone.out)).toMatchObject({ affected: operation.affected, conflict_count: 0 })
  expect(differencesOf(before, await rows.read(engine.volatile.prune))).toEqual([])
  await server.stop()
}
