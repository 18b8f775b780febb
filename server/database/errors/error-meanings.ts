import * as z from 'zod'
import type { FailureCode, MoreFields } from '../../../shared/errors.ts'

const Coded = z
  .object({ code: z.string(), routine: z.string().optional(), message: z.string().optional() })
  .transform(({ code, routine, message = '' }) =>
    code === 'XX000' && droppedMidway.test(message) ? queryPlanOutdated : (ownCodes.get(`${code} ${routine}`) ?? code),
  )

/** PostgreSQL's own words, in every language, for an object that was dropped after a statement had found it. */
const droppedMidway = /^(could not open relation with OID|cache lookup failed for) /

/** The hint for what PostgreSQL tells the server alone. */
export const seeLog = 'the server log says why'

const Thrown = z.object({ where: z.string() })

/**
 * A prepared statement was planned before a table was altered and would return other columns. PostgreSQL raises it with
 * the general code `0A000`, so the routine that raised it tells it apart.
 */
export const queryPlanOutdated = 'ALTERED'

/** A row that was written fails the policies of row level security. A right that is missing has the same code, `42501`. */
const rowSecurity = 'ROW_SECURITY'

/** A table has no replica identity that its publications can send. Other states of tables and sequences have the same code, `55000`. */
const noReplicaIdentity = 'NO_REPLICA_IDENTITY'

/** Errors that the routine tells from other errors of the same code. */
const ownCodes = new Map([
  ['0A000 RevalidateCachedQuery', queryPlanOutdated],
  ['42501 ExecWithCheckOptions', rowSecurity],
  ['55000 CheckCmdReplicaIdentity', noReplicaIdentity],
  ['42P10 CheckCmdReplicaIdentity', noReplicaIdentity],
])

/** Codes of the driver, the network and PostgreSQL for a connection that cannot be had or was lost. */
export const connectionLost = [
  ...['CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', 'CONNECT_TIMEOUT'],
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['EMBEDDED_CLOSED', 'EMBEDDED_STOPPED', 'NO_SUCH_HOST'],
  ...['ENOENT', '08', '57P01', '57P02', '57P03', '53300', '25P03'],
]

/** Codes that another try cannot change: another password, database or role is needed. */
export const accessRefused = ['28000', '28P01', '3D000', '42501', 'TLS_REFUSED']

/** What an error of the database means for a caller. */
interface Meaning {
  /** Codes of the driver or of PostgreSQL; two characters stand for a class of SQLSTATE codes. */
  codes: readonly string[]
  failure: FailureCode
  detail: string
  hint: string
  /** Seconds after which another try makes sense. */
  retryAfter?: number
  fields?: MoreFields
}

/** The tables, as another program made them, reject a value that the caller sent or that a job holds. */
export const rejectedByTables: Meaning = {
  codes: ['23', '22', '27', 'P0001'],
  failure: 'conflict',
  detail: 'the database refuses this change',
  hint: 'a constraint, a type or a trigger of another program rejects it',
}

/** The policies of another program do not let the role of this server write a row. */
export const rejectedByPolicies: Meaning = {
  codes: [rowSecurity],
  failure: 'conflict',
  detail: 'row level security of the database refuses this change',
  hint: 'jobsctl doctor names the tables, and docs/deploy/roles.md says which policies let the server work',
}

/** The role of the server lacks a right. No other try helps, until somebody gives it. */
export const rightMissing: Meaning = {
  codes: ['42501'],
  failure: 'database_right_missing',
  detail: 'the role of the server lacks a right in the database',
  hint: 'jobs-server grants prints all rights that the role needs, for the owner of the tables to run',
  fields: { refused_by_database: true },
}

/** The first entry that fits an error is its meaning. */
const meanings: readonly Meaning[] = [
  rejectedByPolicies,
  {
    codes: ['53100'],
    failure: 'database_unavailable',
    detail: 'the disk of the database is full',
    hint: 'the call works again when the disk has room',
    retryAfter: 30,
  },
  {
    codes: ['53200'],
    failure: 'database_unavailable',
    detail: 'the database is out of memory',
    hint: 'send a smaller request, or narrow the scope',
    retryAfter: 30,
  },
  {
    codes: connectionLost,
    failure: 'database_unavailable',
    detail: 'the database cannot be reached',
    hint: 'try again in a moment',
    retryAfter: 5,
  },
  rightMissing,
  {
    // HV is a server of another program, whose table is a partition.
    codes: [...accessRefused, '53', '58', 'HV'],
    failure: 'database_unavailable',
    detail: 'the database refused this call',
    hint: seeLog,
    retryAfter: 30,
    fields: { refused_by_database: true },
  },
  {
    codes: ['25006'],
    failure: 'database_unavailable',
    detail: 'the database is read-only',
    hint: 'JOBS_DB_URL may name a standby, or a role that only reads: show default_transaction_read_only',
    retryAfter: 30,
  },
  {
    codes: ['42P01', '42703', '3F000'],
    failure: 'database_unavailable',
    detail: 'the database has lost its tables',
    hint: 'check that JOBS_DB_URL names the right database; the server makes missing tables when it starts',
    retryAfter: 30,
  },
  {
    codes: ['26000', '42P05'],
    failure: 'database_unavailable',
    detail: 'the connection pooler in front of the database does not keep prepared statements',
    hint: 'PgBouncer keeps them with max_prepared_statements = 200: see docs/deploy/pooler.md',
    retryAfter: 5,
  },
  {
    codes: [queryPlanOutdated],
    failure: 'database_busy',
    detail: 'a table has just been altered',
    hint: 'try again',
    retryAfter: 1,
  },
  {
    codes: ['0A000'],
    failure: 'not_supported',
    detail: 'PostgreSQL does not support this for a table of jobs as it was made',
    hint: 'a partition that is a foreign table, or a rule, is one cause; the server log has what PostgreSQL says',
  },
  {
    codes: [noReplicaIdentity],
    failure: 'conflict',
    detail:
      'a table has no replica identity that its publications can send, so PostgreSQL lets no row of it be changed',
    hint: 'alter table … replica identity gives it one',
  },
  {
    codes: ['55000'],
    failure: 'conflict',
    detail: 'PostgreSQL does not allow this in the present state of the database',
    hint: 'what PostgreSQL says names the object, such as a table, or is from a trigger of another program',
  },
  {
    codes: ['22P05', '22021'],
    failure: 'invalid_request',
    detail: 'the encoding of the database cannot hold a character of this request or of a job',
    hint: 'leave the character out; a database with the encoding UTF8 holds every character',
  },
  {
    codes: ['42P10'],
    failure: 'database_unavailable',
    detail: 'an index that this call needs is not built yet',
    hint: 'the server builds it after its start, or leaves it to the operator: jobs-server indexes plan',
    retryAfter: 30,
  },
  {
    codes: ['54'],
    failure: 'invalid_request',
    detail: 'a value is larger or nested more deeply than PostgreSQL allows',
    hint: 'send a smaller value',
  },
  rejectedByTables,
  {
    codes: ['57014'],
    failure: 'database_busy',
    detail: 'the statement ran longer than the server allows',
    hint: 'narrow the scope, or try again while the database has less to do; some reads end after 5 s, every other statement after JOBS_STATEMENT_TIMEOUT_SECONDS',
    retryAfter: 30,
  },
  {
    codes: ['55P03', '40P01', '40001'],
    failure: 'database_busy',
    detail: 'other transactions hold locks that this call needs',
    hint: 'try again in a moment',
    retryAfter: 5,
  },
]

/** The context of an error as PostgreSQL tells it: functions, and the row of a lock. Undefined for other errors. */
export const contextOf = (error: unknown): string | undefined => Thrown.safeParse(error).data?.where

/** True for an error that a function of another program has raised, whatever its code is. */
const isRaisedByAnotherProgram = (error: unknown): boolean =>
  contextOf(error)?.match(/\bfunction "?(?!jobsctl_)\w/) != null

/** True when the error has one of these codes, or is in one of these two-character classes. */
export const hasCode = (error: unknown, codes: readonly string[]): boolean => {
  const code = Coded.safeParse(error).data
  return code !== undefined && (codes.includes(code) || codes.includes(code.slice(0, 2)))
}

/** What an error means; undefined when PostgreSQL and the driver did not raise it, or when it is a mistake in our SQL. */
export const meaningOf = (error: unknown): Meaning | undefined =>
  meanings.find(({ codes }) => hasCode(error, codes)) ??
  (isRaisedByAnotherProgram(error) ? rejectedByTables : undefined)
