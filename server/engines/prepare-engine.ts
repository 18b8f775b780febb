import { Failure } from '../../shared/errors.ts'
import type { OpenedDatabase } from '../database/connection/opened-database.ts'
import type { Pool, Sql } from '../database/sql.ts'
import type { Env } from '../env/env.ts'
import type { Log } from '../log/log.ts'
import { adminSchema } from './find-served.ts'
import { hasRecords, requireRecords } from './make-records.ts'
import { engineNames } from './served.ts'
import { tellServed } from './tell-served.ts'
import { watchPlace } from './watched.ts'

interface Preparing {
  opened: Pick<OpenedDatabase, 'openWith'>
  env: Pick<Env, 'AUTH_MODE'>
  log: Pick<Log, 'info'>
  /** Brings our tables beside the jobs of another engine up to date. Absent unless `JOBS_MIGRATE` is set to true. */
  makeRecords?: (() => Promise<unknown>) | undefined
}

/**
 * The planner's own settings: the tables of an engine have other indexes than ours, and some of them are read whole. A statement that no
 * rewriting has stopped cannot write either.
 */
const looking = `select set_config('enable_seqscan', 'on', false), set_config('plan_cache_mode', 'auto', false)`
const readOnly = `${looking}, set_config('default_transaction_read_only', 'on', false)`

/** The connections for the jobs of engines that are served beside our own. */
export const engineConnections = ({ engineSql }: Pick<OpenedDatabase, 'engineSql'>): (() => Pool) | undefined =>
  engineSql && (() => engineSql(looking))

/**
 * Sets up a server for the jobs that its database has, once it is known whose they are.
 * @returns false for a server on our own jobs, whose tables it makes; those beside another engine are there, or are not needed
 * @throws Failure `usage` where callers are to have tokens, of which there is no table, and where our tables are those of an older version
 */
export async function prepareEngine({ opened, env, log, makeRecords }: Preparing, sql: Sql): Promise<boolean> {
  const served = await tellServed(sql, log)
  for (const place of served.places) await watchPlace(sql, place)
  if (served.mode === 'own') return false
  if (served.mode === 'admin') {
    if (makeRecords && !(await hasRecords(sql, served))) {
      await makeRecords()
      log.info(`the records in ${adminSchema} are those of this version now`)
    }
    await requireRecords(sql, served)
  }
  const isLooking = served.mode === 'look'
  opened.openWith?.('engine', isLooking ? readOnly : looking)
  if (isLooking && env.AUTH_MODE === 'multi_user')
    throw new Failure(
      'usage',
      'AUTH_MODE=multi_user needs tokens, and this database has no tables for them; nothing was started',
      {
        hint: `jobs-server migrate --engine ${engineNames(served)} makes them in a schema of its own; without it, AUTH_MODE=single_user looks with one key`,
      },
    )
  return true
}
