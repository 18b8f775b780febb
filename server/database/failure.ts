import { z } from 'zod'
import { Failure } from '../../shared/errors.ts'

const Coded = z.object({ code: z.string() })

/** What the driver, the network and PostgreSQL say when there is no connection to be had. */
const gone = [
  ...['CONNECTION_CLOSED', 'CONNECTION_ENDED', 'CONNECTION_DESTROYED', 'CONNECT_TIMEOUT'],
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOENT', '57P01', '57P02', '57P03', '53300', '53400', '25006', '25P03'],
]
/** Refused for good, as far as the server can tell: another password, database or role is needed. */
const refused = ['28000', '28P01', '3D000', '42501']
const busy = ['55P03', '40P01', '40001']

const codeOf = (error: unknown): string => Coded.safeParse(error).data?.code ?? ''

/** True when the connection is to blame, and another try may work. */
export const isConnectionLost = (error: unknown): boolean => {
  const code = codeOf(error)
  return gone.includes(code) || code.startsWith('08')
}

/** True when only another configuration helps. */
export const isRefused = (error: unknown): boolean => refused.includes(codeOf(error))

/** A failure of the database as a sentence for people, or undefined when it is a bug of ours. */
export function databaseFailure(error: unknown, changing: boolean): Failure | undefined {
  const code = codeOf(error)
  if (isConnectionLost(error)) return lost(error, changing)
  if (isRefused(error) || code.startsWith('53') || code.startsWith('58')) {
    return new Failure('database_unavailable', 'the database refused this call; nothing was changed', {
      hint: 'the server log says why',
      retryAfter: 30,
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

/** A connection that breaks during a change may break after its commit: then nobody can tell from here. */
function lost(cause: unknown, changing: boolean): Failure {
  const neverSent = ['ECONNREFUSED', 'CONNECT_TIMEOUT', 'ENOTFOUND', 'EAI_AGAIN', 'ENOENT', '57P03', '53300']
  if (changing && !neverSent.includes(codeOf(cause))) {
    return new Failure(
      'outcome_unknown',
      'the connection to the database broke during the change; it was made whole, or not at all',
      { hint: 'a dry run shows which', retryAfter: 5, cause },
    )
  }
  return new Failure('database_unavailable', 'the database cannot be reached; nothing was changed', {
    hint: 'try again in a moment',
    retryAfter: 5,
    cause,
  })
}
