import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { type Rates, type Round, type Size, workCalls, workRound } from '../../load/work-rates.ts'
import { memoize } from '../../memoize.ts'
import { untilCounted } from '../../setup/until-prepared.ts'
import { truncateTables, workDatabase } from '../../setup/work-database.ts'

/** Longer than the server takes to verify its counts after the triggers are enabled. */
const pauseMs = 3000

/** After this time a server has made all triggers that it makes. */
const longestStartMs = 60_000

/** Triggers of `jobs` whose cost is measured. */
interface Triggers {
  /** What they keep. */
  what: string
  /** How their names begin. */
  prefix: string
  /** The target: without them a call is at most so many times as fast. */
  atMost: number
}

/**
 * Rates with the triggers, and with these triggers disabled. Undefined when the table has no such triggers.
 */
async function measureRounds(bench: Bench, prefix: string): Promise<{ kept: Round[]; without: Round[] } | undefined> {
  const { sql, pool } = await workDatabase(bench)
  const triggers = await triggersOf(sql, prefix)
  if (triggers.length === 0) return undefined
  const round = async (keep: boolean): Promise<Round> => {
    for (const { name } of triggers) await toggle(sql, name, keep)
    await truncateTables(sql)
    // Both sides pause equally long, and plan their statements again after ALTER TABLE.
    const paused = wait(pauseMs)
    if (keep) await untilCounted(sql, await clockOf(sql))
    await paused
    return workRound(pool)
  }
  const measured: { kept: Round[]; without: Round[] } = { kept: [], without: [] }
  for (let n = 0; n < 6; n++) {
    const order = n % 2 === 0 ? [true, false] : [false, true]
    for (const keep of order) {
      const one = await round(keep)
      // The first round is a warm-up.
      if (n > 0) measured[keep ? 'kept' : 'without'].push(one)
    }
  }
  for (const { name } of triggers) await toggle(sql, name, true)
  return measured
}

/** Finds the triggers. A server makes those of the history in its first seconds. */
async function triggersOf(sql: Sql, prefix: string): Promise<{ name: string }[]> {
  const deadline = Date.now() + longestStartMs
  for (;;) {
    const found = await sql<{ name: string }[]>`
      select tgname as name from pg_trigger
      where tgrelid = 'jobs'::regclass and not tgisinternal and starts_with(tgname, ${prefix})`
    if (found.length > 0 || Date.now() > deadline) return found
    await wait(50)
  }
}

const toggle = (sql: Sql, trigger: string, on: boolean) =>
  sql`alter table jobs ${on ? sql`enable always` : sql`disable`} trigger ${sql(trigger)}`

/** The clock of PostgreSQL, as text of a timestamptz. */
async function clockOf(sql: Sql): Promise<string> {
  const [row] = await sql<[{ now: string }]>`select clock_timestamp()::text as now`
  return row.now
}

function costOf({ what, prefix, atMost }: Triggers): readonly Figure[] {
  const rounds = memoize((bench) => measureRounds(bench, prefix))
  const cost = (call: keyof Rates, size: Size): Figure => ({
    name: `${what}: ${call} ${size}`,
    ...{ against: `without the ${what}`, unit: 'jobs/s', ratio: 'against / ours', target: { atMost } },
    async measure(bench) {
      const measured = await rounds(bench)
      if (!measured) return `no baseline: the table has no triggers that keep the ${what}`
      const ratesIn = (each: readonly Round[]) => each.map((round) => round[size][call])
      return { ours: ratesIn(measured.kept), against: ratesIn(measured.without) }
    },
  })
  return [...workCalls.map((call) => cost(call, 'in batches')), ...workCalls.map((call) => cost(call, 'one by one'))]
}

/** The cost of the triggers that keep the counts of stats and the history, for each call that writes jobs. */
export const triggersCost: readonly Figure[] = [
  ...costOf({ what: 'counts', prefix: 'jobsctl_count', atMost: 1.25 }),
  ...costOf({ what: 'history', prefix: 'jobsctl_history', atMost: 1.15 }),
]
