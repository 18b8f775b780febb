import type { Preview } from '../../../shared/changes/bulk-change.ts'
import { Failure } from '../../../shared/errors.ts'
import { sizeText } from '../../../shared/times/time-and-size.ts'
import type { PressureLimits } from '../../call.ts'
import type { Sql } from '../../database/sql.ts'
import type { BulkChange } from '../change/bulk-change.ts'
import { readArchiveBytes } from './readings.ts'

type Archiving = Pick<BulkChange<unknown>, 'archives'>
type Limit = Pick<PressureLimits, 'archiveBytes'>

/** The size of the archive and its limit, where it is above the limit before a change that puts jobs into it. */
export async function findFullArchive(
  sql: Sql,
  { archiveBytes: limit }: Limit,
  { archives }: Archiving,
): Promise<Preview['archive_full']> {
  if (!archives || limit === undefined) return undefined
  const bytes = await readArchiveBytes(sql)
  return bytes > limit ? { bytes, limit } : undefined
}

/**
 * Refuses a change that would make an archive larger that is above its limit already: it would wait after its first batch, each time.
 * @throws Failure `limit_exceeded`
 */
export async function requireArchiveRoom(sql: Sql, limits: Limit, bulk: Archiving): Promise<void> {
  const full = await findFullArchive(sql, limits, bulk)
  if (!full) return
  const { bytes, limit } = full
  throw new Failure(
    'limit_exceeded',
    `jobs_archive has ${sizeText(bytes)}, above its limit of ${sizeText(limit)} (JOBS_ARCHIVE_MAX_BYTES); nothing was changed`,
    {
      hint: 'lower JOBS_ARCHIVE_DAYS and return the room of rows that are gone by vacuum full jobs_archive, or raise the limit; without an archive there is no undo: no_archive, on the command line --no-archive',
    },
  )
}
