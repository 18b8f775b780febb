import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Sql } from 'postgres'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import {
  type Amounts,
  type Phase,
  type Rates,
  type Size,
  sizes,
  workCalls,
  workRates,
  workSteps,
} from '../../load/work-rates.ts'
import type { WorkerPool } from '../../load/worker-pool.ts'
import { memoize } from '../../memoize.ts'
import { type Api, connect } from '../../setup/api.ts'
import { truncateTables } from '../../setup/work-database.ts'

/** What is measured of a size, and how often the metrics are scraped meanwhile. */
interface Plan {
  rounds: number
  amounts: Amounts
  scrapeEveryMs: number
}

/** One by one each kind of calls runs for 3 to 6 seconds, so that the scrapes of this time fall into it, in each round. */
const plans: Record<Size, Plan> = {
  'in batches': { rounds: 5, amounts: sizes['in batches'], scrapeEveryMs: 1000 },
  'one by one': { rounds: 5, amounts: { jobs: 10_000, enqueue: 1, take: 1 }, scrapeEveryMs: 5000 },
}
const none: Readonly<Rates> = { enqueue: 0, acquire: 0, finish: 0 }
const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`

/** Writes the module of an SDK of OpenTelemetry as docs/deploy/traces.md shows it, which makes each span, and sends it nowhere. */
async function sdkModule({ folder }: Bench): Promise<string> {
  const file = join(folder, 'sdk.mjs')
  const sdk = pathToFileURL(createRequire(import.meta.url).resolve('@opentelemetry/sdk-trace-node')).href
  await writeFile(
    file,
    `import sdk from '${sdk}'
    const nowhere = { export: (spans, done) => done({ code: 0 }), shutdown: async () => {} }
    new sdk.NodeTracerProvider({ spanProcessors: [new sdk.BatchSpanProcessor(nowhere)] }).register({ contextManager: null })\n`,
  )
  return file
}

interface Setting {
  sql: Sql
  pool: WorkerPool
  /** Scrapes the metrics beside calls. */
  scraped: (everyMs: number) => Phase
  stop: () => Promise<void>
}

async function setting(bench: Bench, on: boolean): Promise<Setting> {
  const name = on ? 'all_on' : 'all_off'
  await bench.create(name)
  const env = on
    ? { JOBS_METRICS: 'on', JOBS_HISTORY: 'on', NODE_OPTIONS: `--import=${await sdkModule(bench)}` }
    : { JOBS_METRICS: 'off', JOBS_HISTORY: 'off' }
  const server = await bench.serve(name, env)
  const sql = bench.sqlOf(name)
  if (on) await untilKept(sql)
  const api = connect(server.url, { headers: on ? { traceparent } : {} })
  return {
    sql,
    pool: { apis: [api], workers: 4 },
    scraped: (everyMs) => (on ? scraping(api, everyMs) : (calls) => calls()),
    stop: async () => {
      await api.close()
      await server.stop()
    },
  }
}

/** Resolves when the triggers of the history append. */
async function untilKept(sql: Sql): Promise<void> {
  for (let kept = 0; kept === 0; await wait(50))
    kept = (await sql`select from jobsctl_history where until > now()`).count
}

/** The first scrape comes after half of the interval, so that calls of any length have as many scrapes as their length has on average. */
const scraping =
  (api: Api, everyMs: number): Phase =>
  async (calls) => {
    let [halves, last]: [number, Promise<unknown>] = [0, Promise.resolve()]
    const timer = setInterval(() => {
      if (halves++ % 2 === 0) last = Promise.all([api.load('/metrics'), api.load('/metrics/jobs')])
    }, everyMs / 2)
    try {
      return await calls()
    } finally {
      clearInterval(timer)
      await last
    }
  }

type Sides<T> = Record<'on' | 'off', T>
type Order = readonly (keyof Sides<unknown>)[]

/** Each kind of calls runs on one server right after the other, so that a slower moment of the machine falls on both. */
async function roundOf(settings: Sides<Setting>, size: Size, order: Order): Promise<Sides<Rates>> {
  const { amounts, scrapeEveryMs } = plans[size]
  const rates: Sides<Rates> = { on: { ...none }, off: { ...none } }
  for (const side of order) {
    await truncateTables(settings[side].sql)
    await workRates(settings[side].pool, sizes[size])
  }
  const stepsOf = ({ pool, scraped }: Setting) => workSteps(pool, amounts, scraped(scrapeEveryMs))
  const steps = { on: stepsOf(settings.on), off: stepsOf(settings.off) }
  for (const call of workCalls) for (const side of order) rates[side][call] = await steps[side][call]()
  return rates
}

async function roundsOf(settings: Sides<Setting>, size: Size): Promise<Sides<Rates>[]> {
  const rounds: Sides<Rates>[] = []
  for (let n = 0; n <= plans[size].rounds; n++)
    rounds.push(await roundOf(settings, size, n % 2 === 0 ? ['on', 'off'] : ['off', 'on']))
  return rounds.slice(1) // the first is a warm-up
}

/** The rounds of both servers, each on a database of its own. */
const measureRounds = memoize(async (bench: Bench): Promise<Record<Size, Sides<Rates>[]>> => {
  const settings = { on: await setting(bench, true), off: await setting(bench, false) }
  const batches = await roundsOf(settings, 'in batches')
  const single = await roundsOf(settings, 'one by one')
  await Promise.all([settings.on.stop(), settings.off.stop()])
  return { 'in batches': batches, 'one by one': single }
})

const cost = (call: keyof Rates, size: Size): Figure => ({
  name: `metrics, history and traces: ${call} ${size}, scraped every ${plans[size].scrapeEveryMs / 1000} s`,
  ...{ against: 'without them', unit: 'jobs/s', ratio: 'against / ours', target: { atMost: 1.15 } },
  async measure(bench) {
    const rounds = (await measureRounds(bench))[size]
    return { ours: rounds.map(({ on }) => on[call]), against: rounds.map(({ off }) => off[call]) }
  },
})

/** What it costs workers to be watched: with metrics that are scraped, the history, and a span of each call. */
export const allOn: readonly Figure[] = [
  ...workCalls.map((call) => cost(call, 'in batches')),
  ...workCalls.map((call) => cost(call, 'one by one')),
]
