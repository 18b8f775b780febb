import { clusterIds, clusterSteps } from '../../../shared/jobs/cluster-times.ts'
import type { Reading } from '../../call.ts'
import { clusterDigits, digitsOf, patternOf } from '../../database/error-pattern.ts'
import { planForParameters } from '../../database/planner-hints.ts'
import type { Narrowed } from '../../database/scope.ts'
import type { Transaction } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { readBounded } from '../bounded-read.ts'
import type { InputOf, OutputOf } from '../handlers.ts'
import { newestFailures } from './clusters-read.ts'

/** The most failures of each state that are read, and the most different messages that are folded, the newest first. */
const mostFailures = 50_000
const mostMessages = 20_000
const presetSeconds = 86_400

/**
 * When the jobs of clusters failed. To find them, the messages of all failures of the time are folded, each different one once.
 * @throws Failure `conflict` for the id of a cluster that was made by other rules
 */
export const clusterTimes = (
  { sql, within }: Reading,
  { clusters: text, since, ...scope }: InputOf<'clusterTimes'>,
): Promise<OutputOf<'clusterTimes'>> => {
  const clusters = clusterIds(text) ?? []
  const digits = clusters.map(digitsOf)
  return readBounded(sql, ['jobsctl_failures', 'jobsctl_retrying'], () =>
    sql.begin('isolation level repeatable read read only', async (tx) => {
      const [{ now }] = await tx<[{ now: number }]>`
        select extract(epoch from now())::float8 as now, ${limitReadTime(tx)}, ${planForParameters(tx)}, set_config('enable_nestloop', 'off', true)`
      const begin = since === undefined ? now - presetSeconds : Math.min(Date.parse(since) / 1000, now)
      const to = 60 * Math.floor(now / 60) + 60
      const step = 60 * Math.max(1, Math.ceil((now - begin) / 60 / clusterSteps))
      const steps = Math.ceil((to - begin) / step)
      const from = to - steps * step
      const rows = await readSteps(tx, { scope: { ...scope, within }, from, to, step, digits })
      const first = Math.max(0, ...rows.filter(({ digits: of }) => of === null).map(({ at }) => at + 1))
      return {
        from: new Date(1000 * (from + first * step)).toISOString(),
        step_seconds: step,
        clusters: clusters.map((cluster, nth) => {
          const failed = new Array<number>(steps).fill(0)
          for (const row of rows) if (row.digits === digits[nth]) failed[row.at] = row.jobs
          return { cluster, failed: failed.slice(first) }
        }),
      }
    }),
  )
}

interface StepRow {
  /** Null for a step of which not all failures are told: the oldest that was read of a state, and the newest whose message was not folded. */
  digits: string | null
  /** The place of the step. */
  at: number
  jobs: number
}

interface Asked {
  scope: Narrowed
  /** Seconds since 1970. */
  from: number
  to: number
  step: number
  digits: readonly string[]
}

const isoOf = (seconds: number): string => new Date(1000 * seconds).toISOString()

const readSteps = (tx: Transaction, { scope, from, to, step, digits }: Asked) => tx<StepRow[]>`
  with failures as materialized (
    select status, code, message, floor((extract(epoch from seen)::float8 - ${from}::float8) / ${step}::float8)::int as at, count(*) as jobs
    from (${newestFailures(tx, {
      ...{ scope, since: isoOf(from), until: isoOf(to), most: mostFailures },
      states: ['failed', 'quarantined', 'retrying'],
    })}) as newest
    group by 1, 2, 3, 4
  ),
  texts as materialized (
    select status, code, message, max(at) as newest, row_number() over (order by max(at) desc, sum(jobs) desc) as place
    from failures
    group by status, code, message
  ),
  messages as materialized (
    select status, code, message, ${clusterDigits(tx, { state: tx`status`, code: tx`code`, pattern: tx`pattern` })} as digits
    from (
      select status, code, message, ${patternOf(tx, tx`message`)} as pattern
      from texts
      where place <= ${tx.unsafe(String(mostMessages))}
      offset 0
    ) as folded
  )
  select digits, at, sum(jobs)::bigint as jobs
  from failures
  join messages using (status, code, message)
  where digits = any(${digits}::text[])
  group by digits, at
  union all
  select null, min(at), sum(jobs)::bigint
  from failures
  group by status
  having sum(jobs) > ${tx.unsafe(String(mostFailures))}
  union all
  select null, newest, 0
  from texts
  where place = ${tx.unsafe(String(mostMessages + 1))}`
