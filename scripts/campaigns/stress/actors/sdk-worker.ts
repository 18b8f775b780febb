import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { JobFailure, runWorker, withSchema } from '../../../../sdk/worker.ts'
import { Payload } from '../job-mix.ts'
import { openJournal } from '../journal.ts'
import { queues } from '../queues.ts'
import { createRandom } from '../random.ts'
import { behaviours } from './behaviours.ts'
import { apiKey } from './caller.ts'
import { journalledFetch } from './journalled-fetch.ts'

/** A worker process on `jobsctl/worker`, with a worker for each queue. It works until its parent sends `stop` or kills it. */
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

let behaviour = behaviours.faulty
const stopping = new AbortController()
process.on('message', (command) => {
  if (command === 'calm') behaviour = behaviours.steady
  if (command === 'stop') stopping.abort()
})
process.on('disconnect', () => process.exit())
process.send?.('ready')

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
        ...{ name: `${name}.${at}`, servers: servers.split(','), journal, random },
        abort: () => behaviour.abort,
      }),
      ...{ concurrency: random.whole(1, 12), leaseSeconds: random.whole(1, 3), waitSeconds: 1, graceSeconds: 10 },
      ...{ signal: stopping.signal, handleSignals: false },
    }),
  ),
)
process.exit()
