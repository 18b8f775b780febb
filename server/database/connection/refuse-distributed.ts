import { Failure } from '../../../shared/errors.ts'
import { escaped } from '../../../shared/escape.ts'
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

/**
 * Uses what the server stands on, and tells whether the database has the catalog of Citus.
 * @throws Failure `usage` that names what the database lacks
 */
async function probe(sql: Sql): Promise<boolean> {
  try {
    const [{ citus }] = await sql<[{ citus: boolean }]>`
      select pg_catalog.pg_current_snapshot()::text as snapshot,
        pg_catalog.pg_try_advisory_xact_lock_shared(pg_catalog.hashtext('jobsctl looks')::bigint) as lock,
        (select xmin::text from pg_catalog.pg_class limit 1) as version,
        exists (
          select from pg_catalog.pg_class
          where relname = 'pg_dist_partition' and relnamespace = 'pg_catalog'::pg_catalog.regnamespace
        ) as citus`
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
