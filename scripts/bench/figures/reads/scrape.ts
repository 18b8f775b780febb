import { setTimeout as wait } from 'node:timers/promises'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { workRates } from '../../load/work-rates.ts'
import { duration, measureAlternately, type Side } from '../../measure.ts'
import type { Api } from '../../setup/api.ts'
import { large, small } from '../../setup/large.ts'

const limitMs = 50
const scrapes = 10
/** A server answers scrapes within a second with the same text, which is not what is measured. */
const pauseMs = 1200
/** Between two jobs of the worker. */
const restMs = 20

/** How long a scrape of the metrics of the database takes, beside a table of 300 groups. */
export const scrape: readonly Figure[] = [
  figure('a worker calls meanwhile', work),
  // On a virtual machine the first use of each page of memory may take microseconds after a pause of a second.
  figure('nobody else calls', wait),
  {
    name: 'metrics: a scrape of /metrics/jobs, 300 groups',
    ...{
      against: 'the same with a hundredth of the rows',
      unit: 'ms',
      ratio: 'ours / against',
      target: { atMost: 1.5 },
    },
    async measure(bench) {
      await Promise.all([large(bench), small(bench)])
      const [many, few] = [await serveScraped(bench, 'large'), await serveScraped(bench, 'small')]
      const pair = await measureAlternately(
        { rounds: 15, warmUps: 3 },
        scrapeAfter(work, many.api),
        scrapeAfter(work, few.api),
      )
      await Promise.all([many.stop(), few.stop()])
      return pair
    },
  },
]

const serveScraped = (bench: Bench, database: string) => bench.serve(database, { JOBS_METRICS: 'on' })

type Pause = (ms: number, api: Api) => Promise<unknown>

/** Measures a scrape after a pause. */
const scrapeAfter =
  (pause: Pause, api: Api): Side =>
  async () => {
    await pause(pauseMs, api)
    return duration(() => api.load('/metrics/jobs'))()
  }

function figure(beside: string, pause: Pause): Figure {
  return {
    name: `metrics: slowest of ${scrapes} scrapes of /metrics/jobs, 300 groups, ${beside}`,
    ...{ against: `${limitMs} ms`, unit: 'ms', ratio: 'ours / against', target: { atMost: 1 } },
    async measure(bench) {
      await large(bench)
      const { api, stop } = await serveScraped(bench, 'large')
      const scraped = scrapeAfter(pause, api)
      const slowest: Side = async () => {
        let most = 0
        for (let n = 0; n < scrapes; n++) most = Math.max(most, await scraped())
        return most
      }
      const pair = await measureAlternately({ rounds: 3 }, slowest, async () => limitMs)
      await stop()
      return pair
    },
  }
}

/** Enqueues, acquires and finishes one job after the other for so long. */
async function work(ms: number, api: Api): Promise<void> {
  const began = performance.now()
  while (performance.now() - began < ms) {
    await workRates({ apis: [api], workers: 1 }, { jobs: 1, enqueue: 1, take: 1 })
    await wait(restMs)
  }
}
