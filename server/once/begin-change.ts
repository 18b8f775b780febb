import { createEventLogMove } from '../background/event-log-move.ts'
import { createInstallationMemory } from '../background/installation-memory.ts'
import { closeOrphans } from '../bulk/record/liveness.ts'
import type { OpenedDatabase } from '../database/connection/opened-database.ts'
import type { Writes } from '../database/connection/read-only.ts'
import { refuseSpreading } from '../database/connection/refuse-distributed.ts'
import { refuseBesideServers } from '../database/installation/direct.ts'
import type { DatabaseAddress } from '../database/installation/installation.ts'
import type { Log } from '../log/log.ts'
import { errorText } from '../log/system-error.ts'
import { deleteExpiredArchive, rowsPerBatch } from '../undo/archive/archive-retention.ts'
import { leavesJobs } from '../undo/leaves-jobs.ts'

interface Options {
  opened: OpenedDatabase
  writes: Writes
  log: Log
  databaseAddress: DatabaseAddress
  localOperations: ReadonlySet<number>
  archiveDays: number
}

/** The most time of a change that goes into what is past its term. */
const longestDeletionMs = 2000

/**
 * A function to be called before each change. Where servers work on the database it refuses. Before the first change transactions are read
 * only. The first change does what a server does before its first call. It refuses a proxy that spreads statements. Ids of events go on after a
 * restore, the installation is remembered, and the records of processes that died are closed. It also deletes one batch of what is past its term,
 * which no server does here.
 */
export function createBeginChange({ opened, writes, log, databaseAddress, localOperations, archiveDays }: Options) {
  const { sql } = opened
  const move = createEventLogMove(opened, log)
  const remember = createInstallationMemory(sql, log, databaseAddress)
  const begin = async () => {
    writes.begin()
    await refuseSpreading([opened.operatorSql], sql)
    await move.check()
    await remember()
    await closeOrphans({ sql, log, localOperations }, leavesJobs).catch((error: unknown) =>
      log.warn(`records of processes that died are not closed: ${errorText(error)}`),
    )
    const retention = { days: archiveDays, most: rowsPerBatch, stopping: AbortSignal.timeout(longestDeletionMs) }
    await deleteExpiredArchive(sql, retention).catch((error: unknown) =>
      log.warn(`the archive keeps what is past its term: ${errorText(error)}`),
    )
  }
  let beginning: Promise<void> | undefined
  return async () => {
    await refuseBesideServers(sql)
    beginning ??= begin()
    await beginning
  }
}
