import postgres from 'postgres'
import { checkCounts } from '../../../shared/endpoints.ts'
import type { ThrowawayPostgres } from '../../launch/postgres.ts'
import { startServer } from '../../launch/restartable.ts'
import { createRandom, type Random } from '../stress/random.ts'
import { call } from './calls.ts'
import { pruning, requeueing, sweeping } from './changes.ts'
import { type Context, retryWhileUnavailable } from './context.ts'
import { type Fault, faults } from './faults.ts'
import { domains, fill } from './fill.ts'
import { takeFingerprints } from './fingerprints.ts'
import { runRound } from './round.ts'

interface Campaign {
  /** The number of jobs in the database. */
  rows: number
  rounds: number
  seed: number
  /** The share of changes that go on without their callers, from 0 to 1. */
  detachedShare: number
  /** Only faults whose name has this text. */
  only: string
  /** The folder of the server logs. */
  folder: string
  database: ThrowawayPostgres
}

/** The time after which PostgreSQL ends a transaction of a suspended server, in seconds. */
const statementTimeoutSeconds = '8'

/**
 * Runs all rounds on the same jobs: each round undoes its change, so that the next round starts from the same rows.
 * @returns a sentence for each violation
 */
export async function runCampaign({
  rows,
  rounds,
  seed,
  detachedShare,
  only,
  folder,
  database,
}: Campaign): Promise<string[]> {
  const sql = postgres(database.url, { max: 2, onnotice: () => {}, backoff: () => 0.2 })
  const start = () => startServer(database.url, folder, { JOBS_STATEMENT_TIMEOUT_SECONDS: statementTimeoutSeconds })
  const servers = await Promise.all([start(), start()] as const)
  const random = createRandom(seed, 'trust')
  const violations: string[] = []
  const began = performance.now()
  const log = (message: string) => console.log(`${((performance.now() - began) / 1000).toFixed(1)} s  ${message}`)
  const context: Context = {
    ...{ sql, postgres: database, servers, random, detachedShare, log },
    reportViolation(violation) {
      violations.push(violation)
      log(`VIOLATION: ${violation}`)
    },
  }
  await fill(sql, rows)
  const before = await takeFingerprints(sql)
  log(`the database has ${rows} jobs`)
  const nextFault = createFaultPicker(
    random,
    faults.filter(({ name }) => name.includes(only)),
  )
  for (let round = 0; round < rounds; round++) {
    const planned = plan(context, round, rows)
    log(`-- round ${round + 1}: ${planned.change.name}`)
    const changeFaults = [nextFault(true), ...(random.chance(0.3) ? [nextFault(true)] : [])]
    const undoFault = random.chance(0.5) ? nextFault(false) : undefined
    await runRound(context, { ...planned, faults: changeFaults, undoFault, before })
  }
  const { body: counts, detail } = await call(servers[0].url, checkCounts, {})
  if (!counts?.kept || counts.wrong > 0 || counts.mended !== null) {
    context.reportViolation(`the counts of stats differ from the jobs: ${detail ?? JSON.stringify(counts)}`)
  }
  await Promise.all(servers.map((server) => server.end('SIGTERM')))
  violations.push(...servers.flatMap((server) => server.errors()))
  await sql.end()
  return violations
}

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
