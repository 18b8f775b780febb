import { Failure } from '../../shared/errors.ts'
import type { Sql } from '../database/sql.ts'

/** The longest time of a hold, that of `JOBS_ARCHIVE_DAYS`. */
const mostDays = 3650

/**
 * Checks the end of a hold by the clock of the database.
 * @param field the name of the field, for the failure
 * @throws Failure `invalid_request` for a time that is over, or too far away
 */
export async function requireHoldTime(sql: Sql, until: string, field: string): Promise<void> {
  const [{ fits }] = await sql<[{ fits: boolean }]>`
    select ${until}::text::timestamptz between now() and now() + ${mostDays}::int * interval '24 hours' as fits`
  if (fits) return
  const detail = `${field} must be later than now, and at most ${mostDays} days from now; nothing was changed`
  throw new Failure('invalid_request', detail, { faults: [{ path: field, message: 'is over, or too far away' }] })
}
