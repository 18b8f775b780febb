import { createEventLogMove } from '../background/event-log-move.ts'
import { createInstallationMemory } from '../background/installation-memory.ts'
import { closeOrphans } from '../bulk/record/liveness.ts'
import type { OpenedDatabase } from '../database/connection/opened-database.ts'
import type { Writes } from '../database/connection/read-only.ts'
import { refuseBesideServers } from '../database/installation/direct.ts'
import type { DatabaseAddress } from '../database/installation/installation.ts'
import type { Log } from '../log/log.ts'
import { errorText } from '../log/system-error.ts'
import { leavesJobs } from '../undo/leaves-jobs.ts'

interface Options {
  opened: OpenedDatabase
  writes: Writes
  log: Log
  databaseAddress: DatabaseAddress
  localOperations: ReadonlySet<number>
}

/**
 * A function to be called before each change. Where servers work on the database it refuses. Before the first change transactions are read
 * only. The first change does what a server does before its first call: ids of events go on after a restore, the installation is remembered,
 * and the records of processes that died are closed.
 */
export function createBeginChange({ opened, writes, log, databaseAddress, localOperations }: Options) {
  const { sql } = opened
  const move = createEventLogMove(opened, log)
  const remember = createInstallationMemory(sql, log, databaseAddress)
  const begin = async () => {
    writes.begin()
    await move.check()
    await remember()
    await closeOrphans({ sql, log, localOperations }, leavesJobs).catch((error: unknown) =>
      log.warn(`records of processes that died are not closed: ${errorText(error)}`),
    )
  }
  let beginning: Promise<void> | undefined
  return async () => {
    await refuseBesideServers(sql)
    beginning ??= begin()
    await beginning
  }
}
