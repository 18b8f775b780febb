import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import { JobFailure, runWorker, withSchema } from '../../../../sdk/worker.ts'
import { apiKey } from '../../../launch/server.ts'
import { Payload } from '../job-mix.ts'
import { queues } from '../queues.ts'
import { journalledFetch } from './journalled-fetch.ts'
import { startWorkerProcess } from './worker-process.ts'

/** A worker process on `jobsctl/worker`, with a worker for each queue. It works until SIGTERM or SIGKILL. */
const { name, worker, servers, random, journal, behaviour, stopping } = startWorkerProcess()

const Known = z.looseObject(Payload.shape)

const work = withSchema(Known, async ({ payload: { n, fails, poison }, job, signal, progress }) => {
  const isSlow = random.chance(0.04)
  if (isSlow) progress(50)
  await wait(isSlow ? random.between(50, 4000) : random.between(0, 20), undefined, { signal })
  const retries = job.retry_count ?? 0
  if (!poison && fails <= retries) return { n, lease: job.lease_id, token: job.lease_id }
  throw new JobFailure('the payload made it fail', {
    code: poison ? 'poison' : `try-${retries}`,
    backoffSeconds: random.between(0, 0.1),
  })
})

await Promise.all(
  queues.map((queue, at) =>
    runWorker({
      ...queue,
      ...{ url: 'http://any.invalid', apiKey, workerId: worker, handlers: { '*': work } },
      fetch: journalledFetch({
        ...{ name: `${name}.${at}`, servers, journal, random },
        abort: () => behaviour().abort,
      }),
      ...{ concurrency: random.whole(1, 12), leaseSeconds: random.whole(1, 3), waitSeconds: 1, graceSeconds: 10 },
      ...{ signal: stopping, handleSignals: false },
    }),
  ),
)
process.exit()
