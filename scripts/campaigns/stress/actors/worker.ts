import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { acquire } from '../../../../shared/endpoints.ts'
import type { Job } from '../../../../shared/work/job.ts'
import { openJournal } from '../journal.ts'
import { queues } from '../queues.ts'
import { createRandom } from '../random.ts'
import { behaviours } from './behaviours.ts'
import { createCaller } from './caller.ts'
import { finishWithRetries } from './finishing.ts'
import { processJobs } from './processing.ts'

/** A worker process. It leases and finishes jobs over HTTP until its parent sends `stop` or kills it. */
const { values } = parseArgs({
  options: {
    name: { type: 'string', default: '' },
    worker: { type: 'string', default: '' },
    seed: { type: 'string', default: '' },
    journals: { type: 'string', default: '' },
    servers: { type: 'string', default: '' },
  },
})
const { name, worker, seed, journals, servers } = values
const random = createRandom(Number(seed), name)
const journal = openJournal(journals, name)
const caller = createCaller({ name, servers: servers.split(','), journal, random })

let behaviour = behaviours.faulty
let stopping = false
process.on('message', (command) => {
  if (command === 'calm') behaviour = behaviours.steady
  if (command === 'stop') stopping = true
})
process.on('disconnect', () => process.exit())
process.send?.('ready')

const background = new Set<Promise<void>>()
/** Keeps a task that runs while the worker leases the next jobs. The worker waits for it before it exits. */
function runInBackground(task: Promise<void>): void {
  const done = task.finally(() => background.delete(done))
  background.add(done)
}

while (!stopping) {
  const jobs = await lease()
  if (jobs.length === 0) await wait(random.between(0, 50))
  await processJobs(jobs, {
    ...{ behaviour, random, journal, caller, worker, runInBackground },
    finish: finishWithRetries,
  })
}
await Promise.all(background)
await caller.close()
process.exit()

/** Leases jobs. Aborts some calls at a random time, which may be after the server has leased the jobs. */
async function lease(): Promise<Job[]> {
  const wait_seconds = random.chance(0.3) ? 1 : 0
  const abort = random.chance(behaviour.abort)
  const { request, body } = await caller.call(
    acquire,
    {
      ...random.pick(queues),
      worker_id: worker,
      limit: random.chance(0.3) ? 1 : random.whole(2, 25),
      lease_seconds: random.whole(1, 3),
      wait_seconds,
      ...(random.chance(0.2) && { job_types: ['encode', 'count'] }),
    },
    abort ? { signal: AbortSignal.timeout(random.whole(1, wait_seconds === 0 ? 40 : 1200)) } : {},
  )
  const jobs = body?.jobs ?? []
  for (const { id: job, lease_id, leased_until } of jobs) {
    if (lease_id !== null && leased_until !== null) {
      journal.write({ kind: 'leased', request, job, lease: lease_id, until: leased_until })
    }
  }
  return jobs
}
