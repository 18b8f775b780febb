import postgres from 'postgres'
import { checkCounts } from '../../../shared/endpoints.ts'
import type { ThrowawayPostgres } from '../../postgres/start.ts'
import { createRandom, type Random } from '../stress/random.ts'
import { type Blow, blows } from './blows.ts'
import { call } from './calls.ts'
import { pruning, requeueing, sweeping } from './changes.ts'
import { domains, fill } from './fill.ts'
import { takePrints } from './prints.ts'
import { runRound } from './round.ts'
import { startServer } from './servers.ts'
import { patiently, type Stage } from './stage.ts'

interface Campaign {
  rows: number
  rounds: number
  seed: number
  folder: string
  database: ThrowawayPostgres
}

/** A whole run: many rounds on the same rows, since each ends where it began. Returns what is wrong. */
export async function runCampaign({ rows, rounds, seed, folder, database }: Campaign): Promise<string[]> {
  const sql = postgres(database.url, { max: 2, onnotice: () => {}, backoff: () => 0.2 })
  const servers = await Promise.all([startServer(database.url, folder), startServer(database.url, folder)] as const)
  const random = createRandom(seed, 'trust')
  const wrong: string[] = []
  const began = performance.now()
  const tell = (what: string) => console.log(`${((performance.now() - began) / 1000).toFixed(1)} s  ${what}`)
  const stage: Stage = {
    ...{ sql, postgres: database, servers, random, tell },
    wrong(what) {
      wrong.push(what)
      tell(`WRONG: ${what}`)
    },
  }
  await fill(sql, rows)
  const before = await takePrints(sql)
  tell(`${rows} jobs are there`)
  const deal = createDeck(random)
  for (let round = 0; round < rounds; round++) {
    const planned = plan(stage, round, rows)
    tell(`-- round ${round + 1}: ${planned.change.name}`)
    const struck = [deal(true), ...(random.chance(0.3) ? [deal(true)] : [])]
    await runRound(stage, { ...planned, blows: struck, undoBlow: random.chance(0.5) ? deal(false) : undefined, before })
  }
  const { body: counts, detail } = await call(servers[0].url, checkCounts, {})
  if (!counts?.kept || counts.wrong > 0 || counts.mended !== null) {
    stage.wrong(`the counts behind stats are not those of the jobs: ${detail ?? JSON.stringify(counts)}`)
  }
  for (const server of servers) {
    wrong.push(...server.errors)
    const code = await server.stop()
    if (code !== 0) wrong.push(`a server ended with ${code}`)
  }
  await sql.end()
  return wrong
}

/** Prunes, and between them what puts jobs in another state. */
const order = ['large', 'hard', 'small', 'stale'] as const

/** What a round does, to which jobs, and how many match. */
function plan({ sql, random }: Stage, round: number, rows: number) {
  const kind = order[round % order.length] ?? 'large'
  const domain = domains[kind]
  const left = (matching: Fragment) => () =>
    patiently(async () => {
      const [row] = await sql<[{ count: number }]>`
        select count(*)::int as count from jobs where domain = ${domain} and ${matching}`
      return row.count
    })
  if (kind === 'hard') {
    return { change: requeueing(random, rows * 0.06), free: [domain], left: left(sql`status = 'quarantined'`) }
  }
  if (kind === 'stale') {
    const old = sql`created_at < now() - interval '30 days'`
    const waiting = sql`exists (
      select from job_dependencies edge join jobs needed on needed.uuid = edge.depends_on_job_uuid
      where edge.job_uuid = jobs.uuid and needed.created_at < now() - interval '30 days'
    )`
    return {
      change: sweeping(random, rows * 0.05),
      free: [domain],
      left: left(sql`status = 'queued' and (${old} or ${waiting})`),
    }
  }
  const ended = sql`coalesce(completed_at, cancelled_at, quarantined_at, created_at) < now() - interval '30 days'`
  return {
    change: pruning(random, domain, rows * (kind === 'large' ? 0.5 : 0.17)),
    free: [],
    left: left(sql`status in ('completed', 'failed', 'cancelled') and ${ended}`),
  }
}

type Fragment = ReturnType<Stage['sql']['unsafe']>

/** Deals every kind of blow once before any comes again. */
function createDeck(random: Random): (program: boolean) => Blow {
  let left: Blow[] = []
  return (program) => {
    const fitting = () => left.filter(({ client }) => program || client !== 'program')
    if (fitting().length === 0) left = [...left, ...blows]
    const blow = random.pick(fitting())
    left = left.filter((other) => other !== blow)
    return blow
  }
}
