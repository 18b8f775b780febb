import { graphileWorkerVersions } from '../../../scripts/launch/engine-packages.ts'
import { keyText } from '../../../shared/work/job-key.ts'
import type { SampleDatabase, SampleJob } from '../conformance/engine.ts'
import { conformanceOf } from '../conformance/suite.ts'
import { onlyVersion } from '../support/child.ts'
import { type Graphile, openGraphileDatabase } from '../support/graphile.ts'

const domain = 'graphile_worker'
const secondSchema = `My "Mails"/'Jobs'`

/** What calls name the queue of jobs that have none. */
const noQueue = '_'

conformanceOf({
  ...{
    engine: 'graphile-worker',
    name: 'graphile-worker',
    versions: onlyVersion ? [onlyVersion] : graphileWorkerVersions,
  },
  ...{ domain, queues: [noQueue, 'mail'] },
  open,
  schemaVersion: 'select max(id) from graphile_worker.migrations',
  table: '_private_jobs',
  volatile: { prune: [], others: [] },
  busy: 'locked_at is not null or is_available and run_at <= now()',
  age: `run_at = run_at - interval '2 days', updated_at = updated_at - interval '2 days'`,
  copy: () => ({ id: 'one.id + n' }),
  longestName: 128,
})

async function open(version: string): Promise<SampleDatabase> {
  const database = await openGraphileDatabase(version)
  const graphile = await database.start()
  const keyOf = new Map<string, string>()
  return {
    ...database,
    async add(jobs) {
      const added = await addTo(graphile, jobs)
      for (const [id, key] of added) keyOf.set(id, key)
      return added.map(([, key]) => key)
    },
    async work() {
      const pool = await database.start()
      await pool.work(5)
      return {
        async runs() {
          const runs = Object.entries(await pool.runs())
          return Object.fromEntries(runs.map(([id, begun]) => [keyOf.get(id) ?? id, begun]))
        },
        kill: pool.kill,
      }
    },
    async addSchema(jobs) {
      await addTo(await database.start({ schema: secondSchema }), jobs)
      return secondSchema
    },
  }
}

/** Adds jobs with one attempt, and returns the id and the key of each. */
async function addTo(graphile: Graphile, jobs: SampleJob[]): Promise<[id: string, key: string][]> {
  const ids = await graphile.add(
    jobs.map(({ queue, does, due }) => ({
      does,
      spec: { maxAttempts: 1, runAt: due, ...(queue !== noQueue && { queueName: queue }) },
    })),
  )
  return jobs.map(({ queue }, at) => [ids[at] ?? '', keyText({ queue, id: ids[at] ?? '' })])
}
