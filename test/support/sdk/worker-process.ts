/** A worker process whose jobs never end, to be killed and stopped. */
import { once } from 'node:events'
import { runWorker } from '../../../sdk/worker.ts'

const { BASE: url = '', API_KEY: apiKey = '', LEASE = '60', GRACE = '600' } = process.env
await runWorker({
  ...{ url, apiKey, domain: 'letters', leaseSeconds: Number(LEASE), graceSeconds: Number(GRACE), concurrency: 50 },
  handlers: {
    '*': async ({ signal }) => {
      // A timer keeps the process alive, as the connections of a real job do.
      const timer = setInterval(() => {}, 1000)
      await once(signal, 'abort')
      clearInterval(timer)
      throw signal.reason
    },
  },
  onEvent: (event) => console.log(JSON.stringify(event)),
})
console.log('ended')
