import { runWorker } from '../../../../sdk/worker.ts'
import { apiKey } from '../../../launch/server.ts'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { enqueueAll, type WorkerPool, workAll } from '../../load/worker-pool.ts'
import { measureAlternately } from '../../measure.ts'
import type { BenchServer } from '../../setup/servers.ts'
import { truncateTables, workDatabase } from '../../setup/work-database.ts'

const jobs = 2000

/** Lets one worker of `jobsctl/worker` complete all jobs with a handler that does nothing. Returns jobs per second. */
async function workByPackage({ url }: BenchServer, concurrency: number): Promise<number> {
  const stop = new AbortController()
  const began = performance.now()
  let [completed, took] = [0, 0]
  await runWorker({
    ...{ url, apiKey, domain: 'bench', queue: 'work', concurrency },
    ...{ handlers: { '*': async () => {} }, handleSignals: false, signal: stop.signal },
    onEvent({ event }) {
      if (event !== 'completed') return
      completed += 1
      if (completed < jobs) return
      took = performance.now() - began
      stop.abort()
    },
  })
  return (jobs * 1000) / took
}

const figure = (concurrency: number): Figure => ({
  name: `worker of the package, ${concurrency} jobs at once`,
  ...{ against: `the bare calls, ${concurrency} jobs per call`, unit: 'jobs/s', ratio: 'ours / against' },
  async measure(bench: Bench) {
    const { server, sql } = await workDatabase(bench)
    const pool: WorkerPool = { apis: [server.api], workers: 1 }
    const filled = async () => {
      await truncateTables(sql)
      await enqueueAll(pool, { jobs, batch: 1000 })
    }
    return measureAlternately(
      { rounds: 5 },
      async () => {
        await filled()
        return workByPackage(server, concurrency)
      },
      async () => {
        await filled()
        return workAll(pool, { jobs, batch: concurrency })
      },
    )
  },
})

/** What a worker of `jobsctl/worker` does in a second, where its handlers take no time. These figures have no target. */
export const sdkWorker: readonly Figure[] = [figure(10), figure(100)]
