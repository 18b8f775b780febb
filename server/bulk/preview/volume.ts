import type { Preview } from '../../../shared/changes/bulk-change.ts'
import type { BulkChange } from '../change/bulk-change.ts'

interface Counted extends Pick<Preview, 'count' | 'bytes_estimate' | 'restorable'> {
  /** How many days this server keeps what an undo needs. */
  archiveDays: number
}

/**
 * Estimates of WAL, measured with jobs of 100 bytes and of 4 kB right after a checkpoint, when PostgreSQL writes each page whole. A deleted
 * row costs its bytes once, a row that is moved to the archive twice. A row that is changed in place costs its index entries, its image,
 * its event and its pages, in bytes.
 */
const walOfChangedRow = 3000

/** What a change leaves behind: the bytes that the archive grows by, for how long it keeps them, and an estimate of WAL. */
export function volumeOf(
  { kind, archives = false }: Pick<BulkChange<unknown>, 'kind' | 'archives'>,
  { count, bytes_estimate, restorable, archiveDays }: Counted,
): Pick<Preview, 'archive_bytes' | 'kept_days' | 'wal_bytes'> {
  const archive_bytes = archives ? bytes_estimate : 0
  return {
    archive_bytes,
    ...(restorable !== undefined && { kept_days: restorable > 0 ? archiveDays : null }),
    wal_bytes: kind === 'prune' ? bytes_estimate + archive_bytes : count * walOfChangedRow,
  }
}
