import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { Bench } from '../bench.ts'
import type { Figure } from '../figure.ts'
import { acquireAll, enqueueAll, finishAll, type Site } from '../load/work.ts'
import { once } from '../once.ts'
import { untilCounted } from '../stage/prepared.ts'
import { empty, workplace } from '../stage/workplace.ts'

const calls = ['enqueue', 'acquire', 'finish'] as const
const sizes = {
  'in batches': { jobs: 8000, enqueue: 1000, take: 100 },
  'one by one': { jobs: 600, enqueue: 1, take: 1 },
}
/** Longer than the server takes to trust its counts again. */
const restMs = 3000
type Size = keyof typeof sizes

/** Jobs a second of each call, in this order. */
type Rates = Record<(typeof calls)[number], number>
type Round = Record<Size, Rates>

async function rates(site: Site, size: Size): Promise<Rates> {
  const { jobs, enqueue: batch, take } = sizes[size]
  const enqueue = await enqueueAll(site, { jobs, batch })
  const { rate: acquire, held } = await acquireAll(site, { jobs, batch: take })
  return { enqueue, acquire, finish: await finishAll(site, held, take) }
}

/** Rounds with the triggers that keep the counts, and rounds without them; undefined where there are none. */
const rounds = once(async (bench: Bench): Promise<{ kept: Round[]; without: Round[] } | undefined> => {
  const { sql, site } = await workplace(bench)
  const triggers = await sql<{ name: string }[]>`
    select tgname as name from pg_trigger
    where tgrelid = 'jobs'::regclass and not tgisinternal and starts_with(tgname, 'jobsctl_count')`
  if (triggers.length === 0) return undefined
  const round = async (keep: boolean): Promise<Round> => {
    for (const { name } of triggers) await toggle(sql, name, keep)
    await empty(sql)
    // Both sides rest as long, and plan their statements anew.
    const rested = wait(restMs)
    if (keep) await untilCounted(sql, await timeOf(sql))
    await rested
    await rates(site, 'in batches')
    return { 'in batches': await rates(site, 'in batches'), 'one by one': await rates(site, 'one by one') }
  }
  const measured: { kept: Round[]; without: Round[] } = { kept: [], without: [] }
  for (let n = 0; n < 6; n++) {
    const order = n % 2 === 0 ? [true, false] : [false, true]
    for (const keep of order) {
      const one = await round(keep)
      // The first is a warm-up.
      if (n > 0) measured[keep ? 'kept' : 'without'].push(one)
    }
  }
  for (const { name } of triggers) await toggle(sql, name, true)
  return measured
})

const toggle = (sql: Sql, trigger: string, on: boolean) =>
  sql`alter table jobs ${on ? sql`enable always` : sql`disable`} trigger ${sql(trigger)}`

async function timeOf(sql: Sql): Promise<string> {
  const [row] = await sql<[{ now: string }]>`select clock_timestamp()::text as now`
  return row.now
}

const cost = (call: keyof Rates, size: Size): Figure => ({
  name: `counts: ${call} ${size}`,
  ...{ against: 'without the counts', unit: 'jobs/s', ratio: 'against / ours', reach: { atMost: 1.25 } },
  async measure(bench) {
    const measured = await rounds(bench)
    if (!measured) return 'nothing to compare: no triggers keep counts'
    const of = (some: readonly Round[]) => some.map((round) => round[size][call])
    return { ours: of(measured.kept), against: of(measured.without) }
  },
})

/** What writers pay so that stats are cheap. */
export const countsCost: readonly Figure[] = [
  ...calls.map((call) => cost(call, 'in batches')),
  ...calls.map((call) => cost(call, 'one by one')),
]
