import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../shared/errors.ts'
import { sizeText } from '../../shared/times/time-and-size.ts'
import { createLook } from '../bulk/pressure/look.ts'
import { hasCode } from '../database/errors/error-meanings.ts'
import { allIndexes, type IndexStatement } from '../database/migrate/index-statements.ts'
import { buildIndexes } from '../database/migrate/indexes.ts'
import { readTableSize } from '../database/migrate/left-indexes.ts'
import { withMigrationLock } from '../database/migrate/migration-lock.ts'
import { findMissingIndexes } from '../database/migrate/missing-indexes.ts'
import type { Connection, Pool } from '../database/sql.ts'
import { removeTimeouts } from '../database/timeouts.ts'
import type { Env } from '../env/env.ts'
import type { Log } from '../log/log.ts'
import { buildOnPartitions } from './build-on-partitions.ts'

interface Building {
  /** The schema of the tables, as a quoted name. */
  schema: string
  env: Pick<Env, 'JOBS_CHANGE_MAX_LAG' | 'JOBS_CHANGE_MAX_WAL' | 'JOBS_DB_POOLER'>
  log: Log
  /** Says what the build waits for, and that it begins. */
  say: (line: string) => void
}

/**
 * Builds one missing index, once no replica lags and no slot keeps more than a change of many jobs may meet. A build itself cannot
 * be slowed down.
 * @returns what was done, as lines
 * @throws Failure `usage` for a name that no index has, `conflict` while indexes are built elsewhere, and for rows that keep an index
 *   from being unique, `database_busy` when the build has waited for ten minutes
 */
export async function buildIndex(sql: Pool, name: string, building: Building): Promise<string[]> {
  const wanted = await findWanted(sql, name)
  if (!wanted) return [`the index ${name} is there already; nothing was changed`]
  const size = await readTableSize(sql, wanted.table)
  await waitForCalm(sql, building)
  building.say(
    `building ${name}: reads ${sizeText(size?.bytes ?? 0)} of ${wanted.table}; Ctrl-C leaves an invalid index`,
  )
  const build = (connection: Connection) =>
    size?.isPartitioned
      ? buildOnPartitions(connection, wanted, building)
      : buildIndexes(
          connection,
          { text: `${wanted.statement};` },
          { ...building, mode: undefined, tablesReady: () => {} },
        )
  const isBuilt = await withMigrationLock(sql, () => onConnection(sql, building, build)).catch((error: unknown) => {
    throw hasCode(error, ['23505']) ? duplicates(wanted, error) : error
  })
  if (isBuilt) return [`the index ${name} is built`]
  throw new Failure(
    'conflict',
    'a server or another command builds indexes of this database now; nothing was changed',
    {
      hint: `when it is done: jobs-server indexes build ${name}`,
    },
  )
}

const duplicates = ({ name, table, keys }: IndexStatement, cause: unknown): Failure =>
  new Failure('conflict', `rows of ${table} have the same ${keys}; the build left ${name} invalid`, {
    hint: `make them differ, then build again: select ${keys}, count(*) from ${table} where (${keys}) is not null group by ${keys} having count(*) > 1`,
    cause,
  })

/** @throws Failure `usage` for a name that no index has */
async function findWanted(sql: Pool, name: string): Promise<IndexStatement | undefined> {
  if (!(await allIndexes()).some((index) => index.name === name))
    throw new Failure(
      'usage',
      `no index that this server needs is named ${name.replaceAll(/\p{Cc}/gu, '?')}; nothing was changed`,
      {
        hint: 'jobs-server indexes plan lists those that are missing',
      },
    )
  return (await findMissingIndexes(sql)).find((index) => index.name === name)
}

async function onConnection(
  sql: Pool,
  { env }: Building,
  build: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await sql.reserve()
  try {
    if (!env.JOBS_DB_POOLER) await removeTimeouts(connection)
    await build(connection)
  } finally {
    connection.release()
  }
}

const [betweenLooksMs, longestMs] = [3000, 10 * 60_000]

/** @throws Failure `database_busy` */
async function waitForCalm(sql: Pool, { env, log, say }: Building): Promise<void> {
  const limits = {
    lagSeconds: env.JOBS_CHANGE_MAX_LAG || undefined,
    walBytes: env.JOBS_CHANGE_MAX_WAL || undefined,
    archiveBytes: undefined,
  }
  const look = createLook({ sql, log, limits, archiveBefore: undefined })
  for (let waitedMs = 0; ; waitedMs += betweenLooksMs) {
    const pressure = await look()
    if (!pressure) return
    if (waitedMs >= longestMs)
      throw new Failure(
        'database_busy',
        `the build waited for 10 minutes, since ${pressure.detail}; nothing was changed`,
      )
    if (waitedMs === 0) say(`waiting, since ${pressure.detail}`)
    await wait(betweenLooksMs)
  }
}
