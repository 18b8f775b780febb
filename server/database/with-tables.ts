import { Failure } from '../../shared/errors.ts'
import type { OpenedDatabase } from './connection/opened-database.ts'
import { databaseFailure } from './errors/failure.ts'
import { migrate } from './migrate/migrate.ts'
import { requireSchema } from './migrate/require-schema.ts'
import type { Pool } from './sql.ts'

const closeWithinMs = 10_000

/** The log of a short command, which tells people on its own. */
export const silent = { info: () => {}, warn: () => {}, error: () => {} }

interface Working<Result> {
  opened: OpenedDatabase
  /** `JOBS_DB_POOLER`. */
  pooled: boolean
  /** `JOBS_MIGRATE`: where it is false, missing tables are an error. */
  makes: boolean
  /** Runs before anything is made. The schema is a quoted name. */
  check?: (schema: string) => Promise<void>
  /** Runs with a pool of its own, on which statements may take long. */
  work: (database: { sql: Pool; schema: string }) => Promise<Result>
}

/**
 * Runs the work of a short command on a database that it has opened: makes the tables where they are missing and `makes` is set, leaves the indexes to a
 * server, and closes the database afterwards.
 * @throws Failure for an error of the database; whatever `check` and `work` throw
 */
export async function withTables<Result>({ opened, pooled, makes, check, work }: Working<Result>): Promise<Result> {
  try {
    return await opened.withDedicatedPool(async (sql) => {
      const schema = await opened.findSchema(sql)
      await check?.(schema)
      if (!makes) await requireSchema(sql, silent)
      else await migrate({ sql, log: silent, schema, tablesOnly: true, pooled, tablesReady: () => {} })
      return work({ sql, schema })
    })
  } catch (error) {
    throw error instanceof Failure ? error : (databaseFailure(error) ?? error)
  } finally {
    await opened.close(closeWithinMs)
  }
}
