import { Logger, makeWorkerUtils, runMigrations, runOnce } from 'graphile-worker'
import { answer, inBatches, payload, workers } from './answer.mjs'

/** graphile-worker as its documentation advises for throughput: a local queue of 500, and completions in batches. */
const connectionString = process.argv[2]
const logger = new Logger(() => (level, message) => {
  if (level === 'error') console.error(message)
})
const worker = {
  connectionString,
  concurrentJobs: 24,
  maxPoolSize: 10,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
}
const preset = { worker: { ...worker, logger } }
await runMigrations({ preset })
const utils = await makeWorkerUtils({ preset })

await answer({
  enqueue: (jobs) =>
    inBatches(jobs, (size) => utils.addJobs(Array.from({ length: size }, () => ({ identifier: 'work', payload })))),
  async work(jobs) {
    let done = 0
    const work = async () => {
      done += 1
    }
    // Each ends when it finds nothing more.
    await Promise.all(
      Array.from({ length: workers }, () => runOnce({ preset, taskList: { work }, noHandleSignals: true })),
    )
    if (done !== jobs) throw new Error(`${done} jobs were done of ${jobs}`)
  },
  clear: () => utils.withPgClient((client) => client.query('truncate graphile_worker._private_jobs')),
})
