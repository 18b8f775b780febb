import { z } from 'zod'
import { Failure } from '../../shared/errors.ts'

const Coded = z.object({ code: z.string() })

/** What the driver, the network and PostgreSQL say when there is no connection to be had. */
const gone = [
  ...['CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', 'CONNECT_TIMEOUT'],
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOENT', '57P01', '57P02', '57P03', '53300', '53400', '25P03'],
]
/** Refused for good, as far as the server can tell: another password, database or role is needed. */
const refused = ['28000', '28P01', '3D000', '42501']
/** A table, a column or a schema that was there at the start. */
const missing = ['42P01', '42703', '3F000']
const unspeakable = ['22P05', '22021']
const busy = ['55P03', '40P01', '40001']

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const codeOf = (error: unknown): string => Coded.safeParse(error).data?.code ?? ''

/** True when the connection is to blame, and another try may work. */
export const isConnectionLost = (error: unknown): boolean => {
  const code = codeOf(error)
  return gone.includes(code) || code.startsWith('08')
}

/** True when only another configuration helps. */
export const isRefused = (error: unknown): boolean => refused.includes(codeOf(error))

/** A failure of the database as a sentence for people, or undefined when it is a bug of ours. */
export function databaseFailure(error: unknown): Failure | undefined {
  const code = codeOf(error)
  if (isConnectionLost(error)) {
    return new Failure('database_unavailable', 'the database cannot be reached; nothing was changed', {
      hint: 'try again in a moment',
      retryAfter: 5,
      cause: error,
    })
  }
  if (isRefused(error) || code.startsWith('53') || code.startsWith('58')) {
    return new Failure('database_unavailable', 'the database refused this call; nothing was changed', {
      hint: 'the server log says why',
      retryAfter: 30,
      cause: error,
    })
  }
  if (code === '25006') {
    return new Failure('database_unavailable', 'the database is read-only; nothing was changed', {
      hint: 'it may be a standby: see JOBS_DB_URL',
      retryAfter: 30,
      cause: error,
    })
  }
  if (missing.includes(code)) {
    return new Failure('database_unavailable', 'the database has lost its tables; nothing was changed', {
      hint: 'is it the right one? a start of the server makes what is missing',
      retryAfter: 30,
      cause: error,
    })
  }
  if (unspeakable.includes(code)) {
    return new Failure('invalid_request', 'the encoding of the database has no place for a character of this request', {
      cause: error,
    })
  }
  // Constraints and triggers of other programs, whose word it is: 23 is a constraint, P0001 is `raise`.
  if (code.startsWith('23') || code === 'P0001') {
    return new Failure('conflict', `the database refuses this change: ${messageOf(error)}; nothing was changed`, {
      hint: 'a constraint or a trigger of another program is in the way',
      cause: error,
    })
  }
  if (code === '57014') {
    return new Failure('database_busy', 'this took longer than the server allows; nothing was changed', {
      hint: 'narrow the scope, or raise JOBS_STATEMENT_TIMEOUT_SECONDS on the server',
      retryAfter: 30,
      cause: error,
    })
  }
  if (busy.includes(code)) {
    return new Failure('database_busy', 'other transactions hold some of these jobs; nothing was changed', {
      hint: 'try again in a moment',
      retryAfter: 5,
      cause: error,
    })
  }
  return undefined
}
