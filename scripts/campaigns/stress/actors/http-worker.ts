import { setTimeout as wait } from 'node:timers/promises'
import { acquire } from '../../../../shared/endpoints.ts'
import type { Job } from '../../../../shared/work/job.ts'
import { queues } from '../queues.ts'
import { createCaller } from './caller.ts'
import { finishWithRetries } from './finishing.ts'
import { processJobs } from './processing.ts'
import { startWorkerProcess } from './worker-process.ts'

/** A worker process. It leases and finishes jobs over HTTP until SIGTERM or SIGKILL. */
const { name, worker, servers, random, journal, behaviour, stopping } = startWorkerProcess()
const caller = createCaller({ name, servers, journal, random })

const background = new Set<Promise<void>>()
/** Keeps a task that runs while the worker leases the next jobs. The worker waits for it before it exits. */
function runInBackground(task: Promise<void>): void {
  const done = task.finally(() => background.delete(done))
  background.add(done)
}

while (!stopping.aborted) {
  const jobs = await lease()
  if (jobs.length === 0) await wait(random.between(0, 50))
  await processJobs(jobs, {
    ...{ behaviour: behaviour(), random, journal, caller, worker, runInBackground },
    finish: finishWithRetries,
  })
}
await Promise.all(background)
await caller.close()
process.exit()

/** Leases jobs. Aborts some calls at a random time, which may be after the server has leased the jobs. */
async function lease(): Promise<Job[]> {
  const wait_seconds = random.chance(0.3) ? 1 : 0
  const abort = random.chance(behaviour().abort)
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
