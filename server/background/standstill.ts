import { freezeClause, readFreeze } from '../database/installation/freeze.ts'
import type { Sql } from '../database/sql.ts'
import type { Log } from '../log.ts'

/**
 * Whether the server does nothing in the background now that changes what the database keeps: it deletes nothing whose term is
 * over, closes no record, and goes on with no change of another server. What calls of workers need goes on.
 */
export type StandsStill = () => Promise<boolean>

interface Options {
  sql: Sql
  log: Pick<Log, 'info' | 'warn'>
  /** `JOBS_BACKGROUND`. */
  background: boolean
}

/** Asks the database each time, so that a freeze is noticed at the next task. The log says when and why it begins and ends. */
export function createStandstill({ sql, log, background }: Options): StandsStill {
  let logged: string | undefined
  if (!background) log.info('JOBS_BACKGROUND=off: other servers do what is done in the background')
  return async () => {
    if (!background) return true
    const freeze = await readFreeze(sql)
    const why = freeze && freezeClause(freeze)
    if (why !== logged) {
      if (why === undefined) log.info('the work in the background goes on')
      else log.warn(`nothing is done in the background: ${why}`)
    }
    logged = why
    return why !== undefined
  }
}
