import * as z from 'zod'
import { Failure } from '../../../shared/errors.ts'
import {
  accessRefused,
  connectionLost,
  contextOf,
  hasCode,
  meaningOf,
  queryPlanOutdated,
  rejectedByPolicies,
  rejectedByTables,
  rightMissing,
} from './error-meanings.ts'
import { missingRight } from './missing-right.ts'

/** True when the connection failed, so another try may work. */
export const isConnectionLost = (error: unknown): boolean => hasCode(error, connectionLost)

/** True when the tables, as another program made them, reject a value: a constraint, a type, a trigger or a policy. */
export const isRejectedByTables = (error: unknown): boolean => {
  const meaning = meaningOf(error)
  return meaning === rejectedByTables || meaning === rejectedByPolicies
}

/** Codes that may end a statement which was already sent: PostgreSQL may have run it, and the answer was lost. */
const brokenMidway = [
  'EMBEDDED_STOPPED',
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  '08',
]

/** The driver of the build marks the errors of statements that PostgreSQL cannot have run (`scripts/build/driver/`). */
const Unsent = z.object({ unsent: z.literal(true) })

/** True when the server cannot tell whether PostgreSQL ran the statement: the statement was sent, and its answer was lost. */
export const isOutcomeUnknown = (error: unknown): boolean =>
  hasCode(error, brokenMidway) && !Unsent.safeParse(error).success

/** True when the connection, the server or its limits ended a statement, whatever it was to do: no other statement is better off. */
export const isEndedFromOutside = (error: unknown): boolean =>
  isOutcomeUnknown(error) || isConnectionLost(error) || hasCode(error, ['25', '28', '53', '57', '58'])

/** The clause of an error of the embedded database, such as `the disk of the embedded database is full`. */
export const embeddedReason = (error: unknown): string | undefined =>
  error instanceof Error && hasCode(error, ['EMBEDDED_CLOSED', 'EMBEDDED_STOPPED']) ? error.message : undefined

/** Why a connection was lost, as a clause. */
export const lossOf = (error: unknown): string => embeddedReason(error) ?? 'the connection to the database broke'

/** True when the lock timeout passed before a table or a row could be locked. */
export const isLocked = (error: unknown): boolean => hasCode(error, ['55P03'])

/** True when a statement names this column, and its table has none of the name. */
export const lacksColumn = (error: unknown, column: string): boolean =>
  hasCode(error, ['42703']) && error instanceof Error && error.message.includes(column)

/** True when a unique index already has the value. */
export const isUniqueViolation = (error: unknown): boolean => hasCode(error, ['23505'])

/** True when the lock timeout passed on a row, not on a table: PostgreSQL then names the row in the error's context. */
export const isRowLocked = (error: unknown): boolean =>
  isLocked(error) && contextOf(error)?.includes(' tuple ') === true

/** True when a later try may work: after a lock timeout, a deadlock, a statement timeout, or a change of a table. */
export const isContended = (error: unknown): boolean =>
  hasCode(error, ['55P03', '40P01', '40001', '57014', queryPlanOutdated])

/** True when the same statement may work at once: PostgreSQL ended a deadlock, or a table was altered. */
export const isTransient = (error: unknown): boolean => hasCode(error, ['40P01', queryPlanOutdated])

/** True on a replica, which may be promoted later, or while the database only takes reads. */
export const isReadOnly = (error: unknown): boolean => hasCode(error, ['25006'])

/** A note beside a read, such as when a token was used last: a database that takes no writes goes without it. */
export const unlessReadOnly = (noting: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(noting).catch((error: unknown) => {
    if (!isReadOnly(error)) throw error
  })

/** True when only another configuration helps: another password, database or role. */
export const isAccessRefused = (error: unknown): boolean => hasCode(error, accessRefused)

/** True when the role lacks a right on a table, a column or a sequence. */
const isRightMissing = (error: unknown): boolean => hasCode(error, ['42501'])

/** What the role may not read is left out of a report, which names the right that is missing. */
export const orWithoutRight = <Found, Other>(reading: Promise<Found>, other: Other): Promise<Found | Other> =>
  reading.catch((error: unknown) => {
    if (!isRightMissing(error)) throw error
    return other
  })

/** True when a connection pooler rejects settings that only a session of PostgreSQL takes. */
export const isRefusedByPooler = (error: unknown): boolean =>
  hasCode(error, ['08P01']) && error instanceof Error && error.message.includes('unsupported startup parameter')

/**
 * An error of the database as a failure for the caller. Undefined when PostgreSQL and the driver did not raise it: the
 * caller of this function reports such an error as `internal`.
 * @param outcome what has become of the changes, as a clause
 */
export function databaseFailure(error: unknown, outcome = 'nothing was changed'): Failure | undefined {
  const meaning = meaningOf(error)
  if (!meaning) return undefined
  const { failure, hint, retryAfter, fields } = meaning
  const detail = embeddedReason(error) ?? meaning.detail
  // The text of a constraint or of a trigger is for the caller; other texts of PostgreSQL are for the log.
  const why = failure === 'conflict' && error instanceof Error ? `: ${error.message}` : ''
  const right = meaning === rightMissing ? missingRight(error) : undefined
  const text = right ? `${detail}: ${right.why}; ${right.remedy}` : `${detail}${why}`
  return new Failure(failure, `${text}; ${outcome}`, { hint, retryAfter, fields, cause: error })
}
