import * as z from 'zod'
import { Failure, type FailureCode } from '../../shared/errors.ts'

const Coded = z
  .object({ code: z.string(), routine: z.string().optional() })
  .transform(({ code, routine }) => (routine === 'RevalidateCachedQuery' ? altered : code))

const Thrown = z.object({ where: z.string() })

/** A plan was made before a table was altered, and answers other columns; the code is that of whatever is not supported. */
const altered = 'ALTERED'

/** What the driver, the network and PostgreSQL say when there is no connection to be had. */
const gone = [
  ...['CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', 'CONNECT_TIMEOUT'],
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOENT', '08', '57P01', '57P02', '57P03', '53300', '25P03'],
]
/** Refused for good, as far as the server can tell: another password, database or role is needed. */
const refused = ['28000', '28P01', '3D000', '42501']

interface Meaning {
  /** Codes of the driver or of PostgreSQL; two characters are a whole class. */
  codes: readonly string[]
  failure: FailureCode
  detail: string
  hint: string
  retryAfter?: number
}

/** What the caller sent, or what its jobs hold, is not to the taste of the tables, as another program made them. */
const unwanted: Meaning = {
  codes: ['23', '22', '27', 'P0001'],
  failure: 'conflict',
  detail: 'the database refuses this change',
  hint: 'a constraint, a type or a trigger of another program is in the way',
}

/** The first that fits counts. */
const meanings: readonly Meaning[] = [
  {
    codes: gone,
    failure: 'database_unavailable',
    detail: 'the database cannot be reached',
    hint: 'try again in a moment',
    retryAfter: 5,
  },
  {
    codes: [...refused, '53', '58'],
    failure: 'database_unavailable',
    detail: 'the database refused this call',
    hint: 'the server log says why',
    retryAfter: 30,
  },
  {
    codes: ['25006'],
    failure: 'database_unavailable',
    detail: 'the database is read-only',
    hint: 'it may be a standby: see JOBS_DB_URL',
    retryAfter: 30,
  },
  {
    codes: ['42P01', '42703', '3F000'],
    failure: 'database_unavailable',
    detail: 'the database has lost its tables',
    hint: 'is it the right one? a start of the server makes what is missing',
    retryAfter: 30,
  },
  {
    codes: ['26000', '42P05'],
    failure: 'database_unavailable',
    detail: 'what stands before the database forgets prepared statements',
    hint: 'PgBouncer keeps them with max_prepared_statements = 200: see docs/deploy/pooler.md',
    retryAfter: 5,
  },
  {
    codes: [altered],
    failure: 'database_busy',
    detail: 'a table has just been altered',
    hint: 'try again',
    retryAfter: 1,
  },
  {
    codes: ['22P05', '22021'],
    failure: 'invalid_request',
    detail: 'the encoding of the database has no place for a character of this request, or of a job',
    hint: 'leave the character out; a database in UTF8 has place for all',
  },
  {
    codes: ['42P10'],
    failure: 'database_unavailable',
    detail: 'an index that this needs is not there yet',
    hint: 'the server builds it after its start; its log says so when it cannot',
    retryAfter: 30,
  },
  {
    codes: ['54'],
    failure: 'invalid_request',
    detail: 'the database has no place for something as large or as deep',
    hint: 'send less of it',
  },
  unwanted,
  {
    codes: ['57014'],
    failure: 'database_busy',
    detail: 'this took longer than the server allows',
    hint: 'narrow the scope, or raise JOBS_STATEMENT_TIMEOUT_SECONDS on the server',
    retryAfter: 30,
  },
  {
    codes: ['55P03', '40P01', '40001'],
    failure: 'database_busy',
    detail: 'other transactions hold some of these jobs',
    hint: 'try again in a moment',
    retryAfter: 5,
  },
]

/** True for what a function of another program has thrown, under whatever code. */
const isForeign = (error: unknown): boolean =>
  Thrown.safeParse(error).data?.where.match(/\bfunction "?(?!jobsctl_)\w/) != null

const fits = (error: unknown, codes: readonly string[]): boolean => {
  const code = Coded.safeParse(error).data
  return code !== undefined && (codes.includes(code) || codes.includes(code.slice(0, 2)))
}

const meaningOf = (error: unknown): Meaning | undefined =>
  meanings.find(({ codes }) => fits(error, codes)) ?? (isForeign(error) ? unwanted : undefined)

/** True when the connection is to blame, and another try may work. */
export const isConnectionLost = (error: unknown): boolean => fits(error, gone)

/** True when the tables, as another program made them, do not take what they are given. */
export const isRejectedByTables = (error: unknown): boolean => meaningOf(error) === unwanted

/** What ends a statement that was on its way: it may have been carried out, and its answer lost. */
const midway = ['CONNECTION_CLOSED', 'CONNECTION_DESTROYED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', '08']

/** True when nobody can tell from here whether the statement was carried out. */
export const isOutcomeUnknown = (error: unknown): boolean => fits(error, midway)

/** True when a table or a row was not to be had in time. */
export const isLocked = (error: unknown): boolean => fits(error, ['55P03'])

/** True when something that must be unique is there already. */
export const isUniqueViolation = (error: unknown): boolean => fits(error, ['23505'])

/** True when it was a row: PostgreSQL says then which one it came to. */
export const isRowLocked = (error: unknown): boolean =>
  isLocked(error) && Thrown.safeParse(error).data?.where.includes(' tuple ') === true

/** True when another try, at less at once, may do better: a lock, a deadlock, or the limit of a statement was met, or a table altered. */
export const isContended = (error: unknown): boolean => fits(error, ['55P03', '40P01', '40001', '57014', altered])

/** True when the very same statement does better at once: two waited for each other, or a table was altered. */
export const isTransient = (error: unknown): boolean => fits(error, ['40P01', altered])

/** True on a replica, which may be promoted, or where the database is meant to be read alone for the moment. */
export const isReadOnly = (error: unknown): boolean => fits(error, ['25006'])

/** True when only another configuration helps. */
export const isAccessRefused = (error: unknown): boolean => fits(error, refused)

/** True when a pooler refuses what only a session of PostgreSQL knows. */
export const isPooler = (error: unknown): boolean =>
  fits(error, ['08P01']) && error instanceof Error && error.message.includes('unsupported startup parameter')

/** A failure of the database as a sentence for people, or undefined when it is a bug of ours. */
export function databaseFailure(error: unknown): Failure | undefined {
  const meaning = meaningOf(error)
  if (!meaning) return undefined
  const { failure, detail, hint, retryAfter } = meaning
  // The words of a constraint or of a trigger are for the caller; those of the rest are for the log.
  const why = failure === 'conflict' && error instanceof Error ? `: ${error.message}` : ''
  return new Failure(failure, `${detail}${why}; nothing was changed`, { hint, retryAfter, cause: error })
}
