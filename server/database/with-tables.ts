import { Failure } from '../../shared/errors.ts'
import type { Env } from '../env/env.ts'
import type { OpenedDatabase } from './connection/opened-database.ts'
import { commandFailure } from './errors/command-failure.ts'
import { rememberEngine } from './installation/engine-setting.ts'
import { migrate } from './migrate/migrate.ts'
import { requireSchema } from './migrate/require-schema.ts'
import { collectMade, type NoteMade } from './migrate/what-stays.ts'
import type { Pool, Sql } from './sql.ts'

const closeWithinMs = 10_000

/** The log of a short command, which tells people on its own. */
export const silent = { info: () => {}, warn: () => {}, error: () => {} }

/** A database that a command has opened. */
export interface CommandDatabase {
  /** A pool of its own, on which statements may take long. */
  sql: Pool
  /** As a quoted name. */
  schema: string
  env: Env
  /** An error says what was noted. */
  noteMade: NoteMade
  /** What was noted, and that it stays, as a clause; undefined where nothing was. */
  whatStays: () => string | undefined
}

interface Working<Result> {
  opened: OpenedDatabase
  env: Env
  work: (database: CommandDatabase) => Promise<Result>
}

interface WorkingOnTables<Result> extends Working<Result> {
  /** Runs before anything is made. The schema is a quoted name. */
  check?: (schema: string) => Promise<void>
  /** True where the tables need not be made, because those beside the jobs of another engine are there. */
  isPrepared?: (sql: Sql) => Promise<boolean>
}

/**
 * Runs the work of a short command on a database that it has opened, and closes the database afterwards.
 * @throws Failure for an error of the database; whatever `work` throws
 */
export async function withDatabase<Result>({ opened, env, work }: Working<Result>): Promise<Result> {
  const { noteMade, whatStays } = collectMade()
  try {
    return await opened.withDedicatedPool(async (sql) =>
      work({ sql, schema: await opened.findSchema(sql), env, noteMade, whatStays }),
    )
  } catch (error) {
    throw error instanceof Failure ? error : (commandFailure(error, whatStays()) ?? error)
  } finally {
    await opened.close(closeWithinMs)
  }
}

/**
 * Does what `withDatabase` does on a database that has its tables: makes them where they are missing, and leaves the indexes to a
 * server. Where `JOBS_MIGRATE` is false, missing tables are an error.
 * @throws Failure for an error of the database; whatever `check` and `work` throw
 */
export const withTables = <Result>({
  opened,
  env,
  check,
  isPrepared = async () => false,
  work,
}: WorkingOnTables<Result>): Promise<Result> =>
  withDatabase({
    opened,
    env,
    work: async (database) => {
      const { sql, schema, noteMade } = database
      await check?.(schema)
      if (await isPrepared(sql)) return work(database)
      if (env.JOBS_MIGRATE !== false) {
        const pooled = env.JOBS_DB_POOLER
        await migrate({ sql, log: silent, schema, tablesOnly: true, pooled, tablesReady: () => {}, applied: noteMade })
        await rememberEngine(sql, env)
      } else await requireSchema(sql, silent)
      return work(database)
    },
  })
