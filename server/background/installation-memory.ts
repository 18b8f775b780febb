import { type DatabaseAddress, rememberInstallation } from '../database/installation/installation.ts'
import type { Sql } from '../database/sql.ts'
import type { Log } from '../log/log.ts'
import { errorText } from '../log/system-error.ts'

/**
 * Has the database remember which installation it is, so that a copy can be told from it. While it cannot, each call tries again; the
 * log has each reason once.
 */
export function createInstallationMemory(
  sql: Sql,
  log: Pick<Log, 'info' | 'warn'>,
  databaseAddress: DatabaseAddress,
): () => Promise<void> {
  let isKnown = false
  let told: string | undefined
  return async () => {
    if (isKnown) return
    try {
      await rememberInstallation(sql, databaseAddress)
      isKnown = true
      if (told !== undefined) log.info('a copy of this database will be told from it from now on')
    } catch (error) {
      const why = errorText(error)
      if (why !== told) log.warn(`a copy of this database is not told from it yet; the server tries again: ${why}`)
      told = why
    }
  }
}
