import { mkdir } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import postgres, { type Sql } from 'postgres'
import type { Verdict } from '../stress/checks/verdict.ts'
import { createRandom, type Random } from '../stress/random.ts'
import { type Server, startServer } from '../stress/servers.ts'
import type { Outcome } from '../trust/calls.ts'
import { judgeRound } from './checks/judge-round.ts'
import type { Loss } from './checks/loss.ts'
import type { Outage } from './checks/writes.ts'
import type { Cluster, Node } from './cluster/cluster.ts'
import type { Programs } from './cluster/packages.ts'
import { type Mode, ttlSeconds } from './cluster/patroni.ts'
import type { Fault } from './faults.ts'
import { fill } from './fill.ts'
import { type Ended, type Load, startLoad } from './load.ts'
import { lookAtOldPrimary, type OldPrimary } from './old-primary.ts'
import { startPrune } from './prune.ts'
import { directly, noPrimary, promotionOf } from './watch.ts'

/** What a round goes by. */
export interface Stage {
  cluster: Cluster
  programs: Programs
  mode: Mode
  fault: Fault
  rows: number
  seed: number
  /** A folder for the servers' logs and the journals of this round. */
  folder: string
  /** A database for this round. */
  database: string
  tell: (what: string) => void
}

export interface RoundResult {
  loss: Loss
  outage: Outage
  verdicts: Verdict[]
}

/** All that is known when a round is over. */
export interface Witnessed {
  sql: Sql
  stage: Stage
  servers: readonly [Server, Server]
  load: Load
  ended: Ended
  /** How many jobs the prune found. */
  before: number
  outcomes: Outcome<unknown>[]
  /** When the new primary was first seen to take writes, in milliseconds. */
  promoted: number
  old: OldPrimary | undefined
}

/** After a lock has run out, a new primary is there within so many milliseconds. */
const promotionMs = (ttlSeconds + 40) * 1000

/** One primary lost under load, in a database of its own: fill, load, prune, blow, peace and judgement. */
export async function runRound(stage: Stage): Promise<RoundResult> {
  const { cluster, mode, fault, rows, seed, folder, database, tell } = stage
  const { primary, standby } = await cluster.healthy()
  await mkdir(folder)
  await makeDatabase(primary, database)
  const url = cluster.url(database)
  const sql = postgres(url, { max: 2, onnotice: () => {}, backoff: () => 0.2 })
  const servers = await Promise.all([startServer(url, folder), startServer(url, folder)] as const)
  const urls = servers.map((server) => server.url)
  const before = await fill(sql, rows)
  const since = await positionOfLog(primary)
  const load = await startLoad({ servers: urls, folder, seed })
  tell(`${before} jobs are there, the load runs, ${primary.name} is the primary`)
  await wait(2000)
  const prune = startPrune(urls, markOf(createRandom(seed, 'mark'), rows))
  await prune.reached

  const promotion = promotionOf(standby, promotionMs)
  const struck = Date.now()
  const relieve = await fault.strike({ cluster, primary, standby, lagging: mode === 'async' })
  const promoted = await promotion
  if (promoted === undefined) throw new Error(`${fault.name}: no new primary within ${promotionMs / 1000} s`)
  tell(`${fault.name}: ${standby.name} is the primary after ${((promoted - struck) / 1000).toFixed(1)} s`)
  await wait(3000)
  await relieve()
  const old = mode === 'async' ? await comparable(stage, { primary, standby, since }) : undefined
  if (mode === 'sync') await cluster.healthy()
  tell(mode === 'sync' ? `${primary.name} is the standby` : `${primary.name} was looked at`)
  await wait(2000)
  const ended = await load.stop(sql)
  tell('all jobs have ended')
  const outcomes = await prune.finish()
  tell('the prune has ended')
  const result = await judgeRound({ sql, stage, servers, load, ended, before, outcomes, promoted, old })
  await sql.end()
  if (mode === 'async') await cluster.refill(primary)
  return result
}

/** At some point of the first half of the prune. */
const markOf = (random: Random, rows: number): number => Math.floor(random.between(0.05, 0.5) * rows)

/** Straight on the node, where HAProxy may not have seen yet who the primary is. */
async function makeDatabase(primary: Node, database: string): Promise<void> {
  const sql = directly(primary)
  await sql`create database ${sql(database)}`
  await sql.end()
}

async function positionOfLog(primary: Node): Promise<string> {
  const sql = directly(primary)
  const [row] = await sql<[{ position: string }]>`select pg_current_wal_flush_lsn()::text as position`
  await sql.end()
  return row.position
}

interface Compared {
  primary: Node
  standby: Node
  since: string
}

/** Waits until the old primary takes no writes, and reads what it had. */
async function comparable(stage: Stage, { primary, standby, since }: Compared): Promise<OldPrimary> {
  const { cluster, programs, database } = stage
  if (!(await noPrimary(primary, 30_000))) throw new Error(`${primary.name} still takes writes beside the new primary`)
  await cluster.halt(primary)
  return lookAtOldPrimary({ cluster, old: primary, fresh: standby, programs, database, since })
}
