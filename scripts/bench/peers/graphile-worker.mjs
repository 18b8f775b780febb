import { Logger, makeWorkerUtils, runMigrations, runOnce } from 'graphile-worker'
import { inBatches, payload, serveCommands, workers } from './protocol.mjs'

/**
 * graphile-worker with the settings that its documentation advises for throughput: a local queue of 500 jobs, batched
 * completions.
 */
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

await serveCommands({
  enqueue: (jobs) =>
    inBatches(jobs, (size) => utils.addJobs(Array.from({ length: size }, () => ({ identifier: 'work', payload })))),
  async work(jobs) {
    let done = 0
    const work = async () => {
      done += 1
    }
    // `runOnce` resolves when it finds no more jobs.
    await Promise.all(
      Array.from({ length: workers }, () => runOnce({ preset, taskList: { work }, noHandleSignals: true })),
    )
    if (done !== jobs) throw new Error(`${done} of ${jobs} jobs were completed`)
  },
  clear: () => utils.withPgClient((client) => client.query('truncate graphile_worker._private_jobs')),
})
