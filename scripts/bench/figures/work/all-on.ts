import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Sql } from 'postgres'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { type Rates, type Round, type Size, workCalls, workRound } from '../../load/work-rates.ts'
import type { WorkerPool } from '../../load/worker-pool.ts'
import { memoize } from '../../memoize.ts'
import { type Api, connect } from '../../setup/api.ts'
import { truncateTables } from '../../setup/work-database.ts'

const scrapeEveryMs = 1000
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
  /** Scrapes the metrics once a second until it is called. */
  scrape: () => () => Promise<void>
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
    scrape: () => (on ? scraping(api) : async () => {}),
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

function scraping(api: Api): () => Promise<void> {
  let last: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    last = Promise.all([api.load('/metrics'), api.load('/metrics/jobs')])
  }, scrapeEveryMs)
  return async () => {
    clearInterval(timer)
    await last
  }
}

async function roundOf({ sql, pool, scrape }: Setting): Promise<Round> {
  await truncateTables(sql)
  const end = scrape()
  const round = await workRound(pool)
  await end()
  return round
}

/** The rounds of both servers, each on a database of its own. */
const measureRounds = memoize(async (bench: Bench) => {
  const [on, off] = [await setting(bench, true), await setting(bench, false)]
  const measured: { on: Round[]; off: Round[] } = { on: [], off: [] }
  for (let n = 0; n < 6; n++) {
    for (const side of n % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const)) {
      const round = await roundOf(side === 'on' ? on : off)
      // The first round is a warm-up.
      if (n > 0) measured[side].push(round)
    }
  }
  await Promise.all([on.stop(), off.stop()])
  return measured
})

const cost = (call: keyof Rates, size: Size): Figure => ({
  name: `metrics, history and traces: ${call} ${size}`,
  ...{ against: 'without them', unit: 'jobs/s', ratio: 'against / ours', target: { atMost: 1.15 } },
  async measure(bench) {
    const { on, off } = await measureRounds(bench)
    const ratesIn = (each: readonly Round[]) => each.map((round) => round[size][call])
    return { ours: ratesIn(on), against: ratesIn(off) }
  },
})

/** What it costs workers to be watched: with metrics that are scraped once a second, the history, and a span of each call. */
export const allOn: readonly Figure[] = [
  ...workCalls.map((call) => cost(call, 'in batches')),
  ...workCalls.map((call) => cost(call, 'one by one')),
]
