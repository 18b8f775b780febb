/** A worker to copy: `BASE=http://127.0.0.1:8787 API_KEY=… npx tsx scripts/example-worker.ts chatbooks default` */
import { setTimeout as wait } from 'node:timers/promises'
import { type JobContext, runWorker, type WorkerEvent } from 'jobsctl/worker'

const { BASE: url = 'http://127.0.0.1:8787', API_KEY: apiKey } = process.env
const [domain = 'chatbooks', queue = 'default'] = process.argv.slice(2)
const log = (event: WorkerEvent) => console.log(JSON.stringify(event))
async function work({ payload, signal, progress }: JobContext) {
  progress(50)
  await wait(100, undefined, { signal }) // the work: it stops when the job is cancelled
  return { echo: payload }
}
await runWorker({ url, apiKey, domain, queue, handlers: { '*': work }, onEvent: log })
