import { freezeClause, readFreeze } from '../database/installation/freeze.ts'
import { type DatabaseAddress, readDifferences } from '../database/installation/installation.ts'
import type { Sql } from '../database/sql.ts'
import type { Log } from '../log/log.ts'

/**
 * Whether the server does nothing in the background now that changes what the database keeps: it deletes nothing whose term is
 * over, closes no record, and goes on with no change of another server. What calls of workers need goes on.
 */
export type IsPaused = () => Promise<boolean>

interface Options {
  sql: Sql
  log: Pick<Log, 'info' | 'warn'>
  /** `JOBS_BACKGROUND`. */
  background: boolean
  databaseAddress: DatabaseAddress
}

/** Asks the database each time, so that a freeze or an adoption is noticed at the next task. The log says when and why it begins and ends. */
export function createBackgroundPause({ sql, log, background, databaseAddress }: Options): IsPaused {
  let logged: string | undefined
  if (!background) log.info('JOBS_BACKGROUND=off: other servers do what is done in the background')
  return async () => {
    if (!background) return true
    const why = await reasonOf(sql, databaseAddress)
    if (why !== logged) {
      if (why === undefined) log.info('the work in the background goes on')
      else log.warn(`nothing is done in the background: ${why}`)
    }
    logged = why
    return why !== undefined
  }
}

/** Undefined where nothing keeps the server from its work in the background. */
async function reasonOf(sql: Sql, databaseAddress: DatabaseAddress): Promise<string | undefined> {
  const freeze = await readFreeze(sql)
  if (freeze) return freezeClause(freeze)
  const differences = await readDifferences(sql, databaseAddress)
  if (differences.length === 0) return undefined
  return `the database is a copy, or was moved or restored: ${differences.join(', ')}; jobs-server adopt-database says what it is`
}
