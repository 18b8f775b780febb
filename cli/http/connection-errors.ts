import { Failure } from '../../shared/errors.ts'
import { interrupted } from '../interrupted.ts'
import type { Target } from '../settings/target.ts'
import type { Deadline } from './deadline.ts'

interface Attempt {
  target: Target
  changing: boolean
  signal: AbortSignal
  deadline: Deadline
  wholeMs: number
}

/** What a change that lost its answer leaves open. */
export const unanswered = 'the server may still finish it'

/** The failure of a call without a complete answer: interrupted, timed out, or not connected. */
export function failureOfConnection(error: unknown, attempt: Attempt): Failure {
  const { target, changing, signal, deadline, wholeMs } = attempt
  const server = target.url.origin
  const outcome = changing ? `; ${unanswered}` : ''
  if (error instanceof Failure) return error
  if (signal.aborted) return interrupted(signal, outcome)
  if (deadline.signal.aborted) {
    const late = deadline.ofSilence() ? `${server} sent nothing for` : `no answer from ${server} within`
    return new Failure('timed_out', `${late} ${wholeMs / 1000} s${outcome}`, {
      ...(!changing && { hint: 'raise --timeout, or run the command again later' }),
      cause: error,
    })
  }
  const cause = error instanceof Error ? error : new Error(String(error))
  const code = 'code' in cause && cause.code !== undefined ? String(cause.code) : cause.name
  const lost = changing && code !== 'ECONNREFUSED' && code !== 'ENOTFOUND' && !/CERT|TLS|SSL/.test(code)
  return new Failure('unreachable', `cannot reach ${server}: ${reasons[code] ?? code}${lost ? outcome : ''}`, {
    ...(!lost && { hint: 'run jobsctl doctor to find the cause' }),
    cause: error,
  })
}

const reasons: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'the name cannot be looked up now',
  ETIMEDOUT: 'no connection in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_SOCKET: 'the connection broke',
  HTTPParserError: 'the answer is not HTTP',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  CERT_HAS_EXPIRED: 'its certificate has expired',
}
