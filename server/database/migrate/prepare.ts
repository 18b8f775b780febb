import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../../shared/errors.ts'
import type { Log } from '../../log/log.ts'
import { errorText } from '../../log/system-error.ts'
import { tlsRefused } from '../connection/dial.ts'
import type { OpenedDatabase } from '../connection/opened-database.ts'
import { readReached } from '../connection/reached.ts'
import { hasCode } from '../errors/error-meanings.ts'
import { isAccessRefused, isConnectionLost, isLocked, isReadOnly, isRefusedByPooler } from '../errors/failure.ts'
import { isInRecovery } from '../replica/standby.ts'
import type { Sql } from '../sql.ts'
import type { IndexMode } from './left-indexes.ts'
import { migrate } from './migrate.ts'
import { requireSchema, schemaFault } from './require-schema.ts'

interface Preparing {
  opened: Pick<OpenedDatabase, 'withDedicatedPool' | 'findSchema' | 'hosts'>
  log: Log
  pooled: boolean
  mode: IndexMode
  /** `JOBS_MIGRATE`: false where only the owner of the tables makes them. */
  makes: boolean
  /** Called when it is known where the tables are. True where they need not be made: they are there, or the server only looks. */
  isPrepared: (sql: Sql) => Promise<boolean>
  tablesReady: () => void
  /** Called while the database is a replica that has the tables. */
  standbyReady: () => void
  isReady: () => boolean
  isStopping: () => boolean
}

const firstPauseMs = 1000
const longestPauseMs = 30_000
/** A replica is looked at again after so long, since it may have been promoted. */
const standbyPauseMs = 2000

/**
 * Migrates, or looks whether somebody has migrated, and tries again while the database cannot be reached, is locked or is read-only.
 * @throws Failure `usage` when only another configuration helps; any other error of the database as it is
 */
export async function prepare(preparing: Preparing): Promise<void> {
  const { opened, log, pooled, mode, makes, isPrepared, tablesReady, standbyReady, isReady, isStopping } = preparing
  let logged: string | undefined
  let reached: string | undefined
  let pauseMs = firstPauseMs
  while (!isStopping()) {
    try {
      const found = await opened.withDedicatedPool(async (sql) => {
        if (opened.hosts.length > 0) {
          const { text, fields } = await readReached(sql, opened.hosts)
          if (text !== reached) log.info(text, fields)
          reached = text
        }
        const schema = await opened.findSchema(sql)
        if (await isPrepared(sql)) return tablesReady()
        if (schema !== logged) log.info(`the tables are in the schema ${schema}`)
        logged = schema
        if (await isInRecovery(sql)) return schemaFault(sql).then((fault) => ({ fault }))
        if (makes) return migrate({ sql, log, schema, mode, pooled, tablesReady })
        await requireSchema(sql, log)
        tablesReady()
      })
      if (!found) return
      if (found.fault === undefined) standbyReady()
      else log.warn(`the database is a replica and ${found.fault}: the server of its primary makes what is missing`)
      await wait(standbyPauseMs, undefined, { ref: false })
    } catch (error) {
      if (isStopping()) return
      const why = errorText(error)
      if (isReady())
        return log.warn(
          `indexes are missing, so some calls are slow; the next start tries again, and jobs-server indexes plan lists them: ${why}`,
        )
      throwUnlessTemporary(error, makes)
      log.warn(`the database is not ready; the server tries again in ${pauseMs / 1000} s: ${why}`)
      await wait(pauseMs)
      // Each try makes the writers of a locked table wait for up to 200 ms, so the tries become rarer.
      if (isLocked(error)) pauseMs = Math.min(2 * pauseMs, longestPauseMs)
    }
  }
}

function throwUnlessTemporary(error: unknown, makes: boolean): void {
  if (isRefusedByPooler(error)) {
    throw new Failure('usage', 'a connection pooler refuses the settings of this server', {
      hint: 'set JOBS_DB_POOLER=true, and see docs/deploy/pooler.md for the settings of the pooler',
      cause: error,
    })
  }
  if (hasCode(error, [tlsRefused]))
    throw new Failure('usage', `${errorText(error)}; nothing was made`, {
      hint: 'sslmode and sslrootcert of JOBS_DB_URL have their meaning in psql: see docs/deploy/postgresql.md',
      cause: error,
    })
  if (isAccessRefused(error)) {
    throw new Failure('usage', `the database refuses this server: ${errorText(error)}`, {
      hint: makes
        ? 'its role must be able to log in, to make tables in its schema, and to alter jobs where a column is missing; a role that makes nothing gets its rights from jobs-server grants'
        : 'as the owner of the tables: jobs-server grants --role <role of the server> prints the rights that it needs',
      cause: error,
    })
  }
  if (isConnectionLost(error) || isLocked(error) || isReadOnly(error)) return
  if (!hasCode(error, ['53'])) throw error
  throw new Failure(
    'usage',
    `PostgreSQL has too little room for what the server reads at its start: ${errorText(error)}`,
    {
      hint: 'raise temp_file_limit and work_mem for the role of the server or for the database, or make room on the disk',
      cause: error,
    },
  )
}
