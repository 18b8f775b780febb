import * as z from 'zod'
import { only, seed, whole } from '../campaign.ts'
import { attachAndDetach, divideByDomain, partitions } from '../soak/actors/partitions.ts'
import { defineGroup } from '../soak/group.ts'
import { createRandom, type Random } from '../stress/random.ts'
import { pruning, requeueing, sweeping } from './changes.ts'
import { type Context, retryWhileUnavailable } from './context.ts'
import { type Fault, faults } from './faults.ts'
import { domains, fill, untilIndexed } from './fill.ts'
import { takeFingerprints } from './fingerprints.ts'
import { runRound } from './round.ts'

/** The time after which PostgreSQL ends a transaction of a suspended server, in seconds. */
const statementTimeoutSeconds = '8'

/**
 * Change jobs in bulk, under a fault in each change. Each round undoes its change, so that the next round starts from the same rows.
 */
export const trust = defineGroup({
  flags: z.object({
    rows: whole(1000, 'jobs in the database').default(200_000),
    rounds: whole(1, 'changes').default(50),
    detached: z.coerce
      .number()
      .min(0)
      .max(1)
      .default(0.4)
      .describe('share of changes that go on without their callers'),
    ...{ only, seed, partitions },
  }),
  stage: { env: { JOBS_STATEMENT_TIMEOUT_SECONDS: statementTimeoutSeconds } },
  async act({ rows, rounds, seed, detached, only, partitions }, { sql, servers, postgres, log }) {
    const possible = faults.filter(({ name }) => name.includes(only))
    if (possible.length === 0) throw new Error(`--only is a text of: ${faults.map(({ name }) => name).join(', ')}`)
    const random = createRandom(seed, 'trust')
    const violations: string[] = []
    const context: Context = {
      ...{ sql, postgres, servers, random, detachedShare: detached, log },
      reportViolation(violation) {
        violations.push(violation)
        log(`VIOLATION: ${violation}`)
      },
    }
    await untilIndexed(sql)
    if (partitions) await divideByDomain(sql, Object.values(domains).slice(1))
    await fill(sql, rows)
    const before = await takeFingerprints(sql)
    log(`the database has ${rows} jobs`)
    const endAttaching = partitions ? attachAndDetach(sql) : undefined
    const nextFault = createFaultPicker(random, possible)
    for (let round = 0; round < rounds; round++) {
      const planned = plan(context, round, rows)
      log(`-- round ${round + 1}: ${planned.change.name}`)
      const changeFaults = [nextFault(true), ...(random.chance(0.3) ? [nextFault(true)] : [])]
      const undoFault = random.chance(0.5) ? nextFault(false) : undefined
      await runRound(context, { ...planned, faults: changeFaults, undoFault, before })
    }
    if (endAttaching) log(`a partition was attached or detached ${await endAttaching()} times`)
    const claim = 'a killed change loses, doubles and alters no row: rows, records, responses and undo agree'
    return [{ claim, looked: rounds, wrong: violations }]
  },
})

/** The domains of consecutive rounds: prunes alternate with a requeue and a sweep. */
const order = ['large', 'quarantined', 'small', 'stale'] as const

/**
 * Returns the change of a round, the domains whose jobs it updates, and a function that counts the jobs that match it.
 */
function plan(context: Context, round: number, rows: number) {
  const { sql } = context
  const kind = order[round % order.length] ?? 'large'
  const domain = domains[kind]
  const countMatching = (matching: Fragment) => () =>
    retryWhileUnavailable(async () => {
      const [row] = await sql<[{ count: number }]>`
        select count(*)::int as count from jobs where domain = ${domain} and ${matching}`
      return row.count
    })
  if (kind === 'quarantined') {
    return {
      change: requeueing(context, rows * 0.06),
      updatedDomains: [domain],
      countMatching: countMatching(sql`status = 'quarantined'`),
    }
  }
  if (kind === 'stale') {
    const old = sql`created_at < now() - interval '30 days'`
    const dependsOnOld = sql`exists (
      select from job_dependencies edge join jobs needed on needed.uuid = edge.depends_on_job_uuid
      where edge.job_uuid = jobs.uuid and needed.created_at < now() - interval '30 days'
    )`
    return {
      change: sweeping(context, rows * 0.05),
      updatedDomains: [domain],
      countMatching: countMatching(sql`status = 'queued' and (${old} or ${dependsOnOld})`),
    }
  }
  const ended = sql`coalesce(completed_at, cancelled_at, quarantined_at, created_at) < now() - interval '30 days'`
  return {
    change: pruning(context, domain, rows * (kind === 'large' ? 0.5 : 0.17)),
    updatedDomains: [],
    countMatching: countMatching(sql`status in ('completed', 'failed', 'cancelled') and ${ended}`),
  }
}

type Fragment = ReturnType<Context['sql']['unsafe']>

/**
 * Returns a function that picks a random fault. It picks each fault once before it repeats one. Its argument is true
 * when the fault may kill a process of jobsctl.
 */
function createFaultPicker(random: Random, faults: readonly Fault[]): (withProgram: boolean) => Fault {
  let left: Fault[] = []
  return (withProgram) => {
    const possible = () => left.filter(({ client }) => withProgram || client !== 'program')
    if (possible().length === 0) left = [...left, ...faults]
    const fault = random.pick(possible())
    left = left.filter((other) => other !== fault)
    return fault
  }
}
