import { openSync, writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { JobFailure, runWorker, withSchema } from '../../../../sdk/worker.ts'
import { apiKey } from '../../../launch/server.ts'
import { queues } from '../queues.ts'
import { anyServer, toAnyServer } from './any-server.ts'

/** A worker process on `jobsctl/worker`, with a worker for each queue. It writes the id of each job whose completion a server confirmed. */
const { values } = parseArgs({
  options: {
    ...{ id: { type: 'string', default: '' }, completed: { type: 'string', default: '' } },
    servers: { type: 'string', default: '' },
  },
})
const file = openSync(values.completed, 'a')

/** How long a job takes at most, in milliseconds, and how often an attempt fails. */
const [longestMs, failing] = [200, 0.03]
const Numbered = z.looseObject({ n: z.number() })

const work = withSchema(Numbered, async ({ payload: { n }, signal, progress }) => {
  progress(50)
  await wait(Math.random() * longestMs, undefined, { signal })
  if (n % 1000 === 0) throw new JobFailure('a thousandth of the jobs never ends well', { code: 'poison' })
  if (Math.random() < failing)
    throw new JobFailure('some attempts fail', { code: `odd-${Math.random()}`, retryable: Math.random() < 0.9 })
  return { done: true }
})

const stopping = new AbortController()
process.on('SIGTERM', () => stopping.abort())
process.on('disconnect', () => process.exit())
await Promise.all(
  queues.map((queue) =>
    runWorker({
      ...queue,
      ...{ url: anyServer, fetch: toAnyServer(values.servers.split(',')), apiKey, workerId: values.id },
      ...{ handlers: { '*': work }, leaseSeconds: 10, waitSeconds: 5, graceSeconds: 5 },
      ...{ signal: stopping.signal, handleSignals: false },
      onEvent: (seen) => {
        if (seen.event === 'completed') writeSync(file, `${seen.job_id}\n`)
      },
    }),
  ),
)
process.exit()
