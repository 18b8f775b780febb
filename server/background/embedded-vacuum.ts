import { createErrorLog } from '../database/errors/error-log.ts'
import type { Sql } from '../database/sql.ts'
import type { Log } from '../log/log.ts'

/** A table is vacuumed with more dead rows than this, and than a fifth of its rows, as autovacuum does it. */
const leastDeadRows = 1000
const pauseAfterErrorMs = 10 * 60_000

/**
 * Vacuums and analyzes tables with many dead rows of an embedded database. It has no autovacuum: without this the room of deleted rows
 * would never be used again. Other calls wait meanwhile, a few milliseconds for ten thousand rows.
 */
export function createEmbeddedVacuum({ sql, log }: { sql: Sql; log: Log }): { run: () => Promise<void> } {
  const errors = createErrorLog(log, 'vacuum')
  let notBefore = Number.NEGATIVE_INFINITY
  return {
    async run() {
      if (performance.now() < notBefore) return
      try {
        for (const table of await tablesWithDeadRows(sql)) await sql.unsafe(`vacuum (analyze) ${table}`)
        errors.clear()
      } catch (error) {
        notBefore = performance.now() + pauseAfterErrorMs
        errors.warn(error)
      }
    },
  }
}

async function tablesWithDeadRows(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select format('%I.%I', schemaname, pg_class.relname) as name
    from pg_stat_user_tables
    join pg_class on pg_class.oid = relid
    where n_dead_tup > ${leastDeadRows}::integer + 0.2 * greatest(reltuples, 0)`
  return rows.map(({ name }) => name)
}
