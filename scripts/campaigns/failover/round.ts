import { mkdir } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { startServer } from '../../launch/restartable.ts'
import { createRandom } from '../stress/random.ts'
import { judgeRound } from './checks/judge-round.ts'
import type { Pair } from './cluster/cluster.ts'
import { halt, type Node } from './cluster/node.ts'
import { ttlSeconds } from './cluster/patroni.ts'
import { fill } from './fill.ts'
import { startLoad } from './load.ts'
import { lookAtOldPrimary, type OldPrimary } from './old-primary.ts'
import { startPrune } from './prune.ts'
import type { RoundResult, Stage } from './stage.ts'
import { directly, noPrimary, promotionOf } from './watch.ts'

/** The load runs so long before the prune starts, and so long beside a new primary that is alone, in milliseconds. */
const [warmUpMs, aloneMs] = [2000, 3000]
/** A new primary is there after the lock of the old one has run out, and so many milliseconds more. */
const promotionMs = (ttlSeconds + 40) * 1000

/** One primary lost under load, in a database of its own: fill, load, prune, blow, peace and judgement. */
export async function runRound(stage: Stage): Promise<RoundResult> {
  const { cluster, mode, rows, seed, folder, database, tell } = stage
  const pair = await cluster.healthy()
  const { primary } = pair
  await mkdir(folder)
  await makeDatabase(primary, database)
  const sql = postgres(cluster.url(database), { max: 2, onnotice: () => {}, backoff: () => 0.2 })
  const start = () => startServer(cluster.url(database), folder)
  const servers = await Promise.all([start(), start()] as const)
  const urls = servers.map(({ url }) => url)
  const before = await fill(sql, rows)
  const since = await checkpoint(primary)
  const load = await startLoad({ servers: urls, folder, seed })
  tell(`${before} jobs are there, the load runs, ${primary.name} is the primary`)
  await wait(warmUpMs)
  const prune = startPrune(urls, markOf(seed, rows))
  await prune.reached
  const promoted = await losePrimary(stage, pair)
  const old = mode === 'async' ? await compared(stage, pair, since) : undefined
  // The load goes on while a synchronous standby comes back, and commits wait for it again.
  if (mode === 'sync') await cluster.healthy()
  tell(old ? `${primary.name} was looked at` : `${primary.name} is the standby`)
  const ended = await load.stop(sql)
  tell('all jobs have ended')
  const outcomes = await prune.finish()
  tell(`the prune has ended, after ${outcomes.length} calls`)
  const lastEvent = await load.stopReaders(sql)
  const result = await judgeRound({ sql, stage, servers, load, ended, lastEvent, before, outcomes, promoted, old })
  await sql.end()
  await dropDatabase(pair.standby, database)
  if (old) await cluster.refill(primary)
  return result
}

/** At some point of the first half of the prune. */
const markOf = (seed: number, rows: number): number => Math.floor(createRandom(seed, 'mark').between(0.05, 0.5) * rows)

/** Straight on the node, where HAProxy may not have seen yet who the primary is. */
async function makeDatabase(primary: Node, database: string): Promise<void> {
  const sql = directly(primary)
  await sql`create database ${sql(database)}`
  await sql.end()
}

/** The next copy of the data is small. */
async function dropDatabase(primary: Node, database: string): Promise<void> {
  const sql = directly(primary)
  await sql`drop database ${sql(database)} with (force)`
  await sql.end()
}

/** What was filled in need not be replayed by a node that comes back. Returns the place in the log. */
async function checkpoint(primary: Node): Promise<string> {
  const sql = directly(primary)
  await sql`checkpoint`
  const [row] = await sql<[{ position: string }]>`select pg_current_wal_flush_lsn()::text as position`
  await sql.end()
  return row.position
}

/**
 * Strikes, waits for the new primary, and gives the old one back what it lacks. Returns when the new one was there. On a busy machine
 * Patroni may start a killed primary again where it has not heard of the standby in time: then it strikes again.
 */
async function losePrimary(stage: Stage, pair: Pair, strikesLeft = 2): Promise<number> {
  const { cluster, mode, fault, tell } = stage
  const promotion = promotionOf(pair.standby, promotionMs)
  const struck = Date.now()
  const relieve = await fault.strike({ cluster, pair, lagging: mode === 'async' })
  const promoted = await promotion
  if (promoted === undefined) {
    await relieve()
    const missing = `no new primary within ${promotionMs / 1000} s`
    if (strikesLeft === 0) throw new Error(`${fault.name}: ${missing}`)
    const { primary, standby } = await cluster.healthy()
    if (primary !== pair.primary)
      throw new Error(`${fault.name}: ${missing}, and ${standby.name} is not the primary any more`)
    tell(`${missing}: ${primary.name} is the primary again, and is struck again`)
    return losePrimary(stage, pair, strikesLeft - 1)
  }
  tell(`${fault.name}: ${pair.standby.name} is the primary after ${((promoted - struck) / 1000).toFixed(1)} s`)
  await wait(aloneMs)
  await relieve()
  return promoted
}

/** Waits until the old primary takes no writes, and reads what it had; it stays halted. */
async function compared(stage: Stage, { primary, standby }: Pair, since: string): Promise<OldPrimary> {
  if (!(await noPrimary(primary, 30_000))) throw new Error(`${primary.name} still takes writes beside the new primary`)
  await halt(primary)
  const { programs, database } = stage
  return lookAtOldPrimary({ old: primary, fresh: standby, programs, database, since })
}
