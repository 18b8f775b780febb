import { type Holds, noHolds, readHolds } from '../../database/read-holds.ts'
import type { Sql } from '../../database/sql.ts'
import type { JobSet, Matching, SetWithHolds } from './bulk-change.ts'

/** The set of a preview, which the statement itself decides. */
export const currentSet: JobSet = { asOf: undefined, snapshot: undefined }

/** The holds that a change passes over now. */
export const holdsOf = async (sql: Sql, { keptByHold }: Pick<Matching, 'keptByHold'>): Promise<Holds> =>
  keptByHold ? readHolds(sql) : noHolds

/** A set as the next statement takes it: with the holds that the change passes over now. By default the set of a preview. */
export const withHolds = async (
  sql: Sql,
  bulk: Pick<Matching, 'keptByHold'>,
  set: JobSet = currentSet,
): Promise<SetWithHolds> => ({ ...set, holds: await holdsOf(sql, bulk) })
