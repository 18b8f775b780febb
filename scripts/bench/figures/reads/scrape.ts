import { setTimeout as wait } from 'node:timers/promises'
import type { Figure } from '../../figure.ts'
import { duration, measureAlternately } from '../../measure.ts'
import { large } from '../../setup/large.ts'

const limitMs = 50
const scrapes = 10
/** A server answers scrapes within a second with the same text, which is not what is measured. */
const pauseMs = 1200

/** How long a scrape of the metrics of the database takes, beside a table of 300 groups. */
export const scrape: readonly Figure[] = [
  {
    name: `metrics: slowest of ${scrapes} scrapes of /metrics/jobs, 300 groups`,
    ...{ against: `${limitMs} ms`, unit: 'ms', ratio: 'ours / against', target: { atMost: 1 } },
    async measure(bench) {
      await large(bench)
      const server = await bench.serve('large', { JOBS_METRICS: 'on' })
      const one = duration(() => server.api.load('/metrics/jobs'))
      const slowest = async () => {
        let most = 0
        for (let n = 0; n < scrapes; n++) {
          await wait(pauseMs)
          most = Math.max(most, await one())
        }
        return most
      }
      const pair = await measureAlternately({ rounds: 3 }, slowest, async () => limitMs)
      await server.stop()
      return pair
    },
  },
]
