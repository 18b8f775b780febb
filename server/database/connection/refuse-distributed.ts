import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../../shared/errors.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { hasCode } from '../errors/error-meanings.ts'
import type { Sql } from '../sql.ts'

/** Databases that speak the protocol of PostgreSQL and are none, by what `version()` says. */
const others: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/CockroachDB/i, 'CockroachDB'],
  [/YugabyteDB|-YB-/i, 'YugabyteDB'],
]

/** SQLSTATE of what a database does not have: a feature, a function, a column, a table. */
const missing = ['0A000', '42883', '42703', '42P01']

/**
 * Refuses a database in which a transaction is not one of a single PostgreSQL: leases, counts and records stand on snapshots, advisory
 * locks and row versions. Only reads.
 * @throws Failure `usage` that names the database, or what it lacks
 */
export async function refuseDistributed(sql: Sql): Promise<void> {
  const [{ version }] = await sql<[{ version: string }]>`select pg_catalog.version() as version`
  const other = others.find(([pattern]) => pattern.test(version))
  if (other) throw refused(`the database is ${other[1]} (${escaped(version.slice(0, 100))})`)
  if ((await probe(sql)) && (await isSpread(sql))) throw refused('the table jobs is distributed by Citus')
}

/** How many statements are sent at once on all connections of a pool. A proxy may spread the statements of one connection, too. */
const onAll = 6
/** A failover may be on its way between two statements: it is looked again before a proxy is refused. */
const [looks, lookAgainAfterMs] = [3, 1000]

/**
 * Refuses a proxy that spreads statements over several servers, or has all of them answer: locks, counts and previews are those of one. Of
 * statements that are sent at once each must be answered by one server, and all by the same, as the time of its start tells. Only reads.
 *
 * A proxy may give each connection another server, so that the connections are asked that will be used. A server asks on the two connections that
 * make its tables, and on those of its workers, four by default: six sessions. A short command, such as `jobs-server migrate`, has one connection
 * beside the first two: three sessions. `jobsctl --db` reads on one connection, and asks on three when its first change begins.
 * @param pools of which all connections are asked
 * @param single of which one connection is asked
 * @throws Failure `usage`; an error of the database where none of them is answered
 */
export async function refuseSpreading(pools: readonly Sql[], single?: Sql): Promise<void> {
  const asked = pools.flatMap((sql) => Array.from({ length: onAll }, () => sql))
  for (let look = 1; ; look++) {
    const settled = await askAll(asked)
    // Afterwards: it must not take the last connection that the database has for a role, since the command needs those of the pools.
    if (single) settled.push(...(await askAll([single])))
    // Where the database has no connection left for some of them, the others tell enough.
    const answers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    if (answers.length === 0) throw settled.find((one) => one.status === 'rejected')?.reason
    if (answers.some(({ length }) => length !== 1)) throw refused('a proxy has several servers answer one statement')
    const servers = new Set(answers.flat().map(({ started }) => started)).size
    if (servers === 1) return
    if (look === looks) throw refused(`a proxy spreads statements over ${servers} servers`)
    await wait(lookAgainAfterMs)
  }
}

/** Asks each of these when its server was started, all at once. */
const askAll = (asked: readonly Sql[]) =>
  Promise.allSettled(
    asked.map((sql) => sql<{ started: string }[]>`select pg_postmaster_start_time() as started`.then((rows) => rows)),
  )

/**
 * Uses what the server stands on, and tells whether the database has the catalog of Citus.
 * @throws Failure `usage` that names what the database lacks
 */
async function probe(sql: Sql): Promise<boolean> {
  try {
    const [{ citus, speaks }] = await sql<[{ citus: boolean; speaks: boolean }]>`
      select pg_catalog.pg_current_snapshot()::text as snapshot,
        pg_catalog.pg_try_advisory_xact_lock_shared(pg_catalog.hashtext('jobsctl looks')::bigint) as lock,
        (select xmin::text from pg_catalog.pg_class limit 1) as version,
        exists (select from pg_catalog.pg_language where lanname = 'plpgsql') as speaks,
        exists (
          select from pg_catalog.pg_class
          where relname = 'pg_dist_partition' and relnamespace = 'pg_catalog'::pg_catalog.regnamespace
        ) as citus`
    if (!speaks) throw refused('the database lacks what jobs-server stands on: PL/pgSQL')
    return citus
  } catch (error) {
    if (!hasCode(error, missing) || !(error instanceof Error)) throw error
    throw refused(`the database lacks what jobs-server stands on: ${escaped(error.message)}`)
  }
}

/** Whether Citus keeps the rows of a table `jobs` on several servers. */
async function isSpread(sql: Sql): Promise<boolean> {
  const [spread] = await sql`
    select
    from pg_catalog.pg_dist_partition
    join pg_catalog.pg_class on pg_class.oid = logicalrelid
    -- n: a reference table, or one on the coordinator alone.
    where relname = 'jobs' and partmethod <> 'n'`
  return spread !== undefined
}

const refused = (why: string): Failure =>
  new Failure('usage', `${why}; nothing was made`, {
    hint: 'jobs-server needs a PostgreSQL of its own, 13 or later: docs/deploy/managed.md says which services have one',
  })
