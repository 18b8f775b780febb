import { codeOfStatus, knownCode } from '../../shared/errors.ts'
import { problemOf } from '../../shared/problem.ts'
import { secondsOf } from '../../shared/retry-after.ts'
import type { ErrorCode } from '../wire/types.ts'
import { parseJson } from './exact-json.ts'
import { type Fault, JobsError } from './jobs-error.ts'
import { isNeverSent } from './never-sent.ts'

/** What an error says about the call. */
export interface CallContext {
  /** The URL of the server. */
  base: string
  /** The status of an answer that was read. */
  status?: number
  changing: boolean
  redact: (text: string) => string
}

const mayBeDone = 'the server may still make the change'

/** The error that an answer other than 2xx means. `text` is its body. */
export function failureOf(response: Response, text: string, context: CallContext): JobsError {
  const { base, changing } = context
  const { status } = response
  if (status < 400) {
    const outcome = changing && status === 303 ? `; ${mayBeDone}` : ''
    return new JobsError(
      changing && status === 303 ? 'outcome_unknown' : 'unexpected_answer',
      `${base} redirects, and redirects are not followed, since they would show the key to another server${outcome}`,
      { status, hint: 'give the address of the server itself' },
    )
  }
  const headers = (name: string) => response.headers.get(name) ?? undefined
  return failureOfProblem(jsonOf(text), {
    ...context,
    status,
    requestId: headers('X-Request-Id'),
    retryAfter: secondsOf(headers('Retry-After')),
  })
}

interface ProblemContext extends CallContext {
  status: number
  requestId?: string | undefined
  retryAfter?: number | undefined
}

/**
 * The error of a body as RFC 9457 has it. The key is taken from its texts, and not from the body: a short key may also be a part of
 * a name or a number in it.
 */
export function failureOfProblem(body: unknown, context: ProblemContext): JobsError {
  const { base, changing, redact, status, requestId, retryAfter } = context
  const problem = problemOf(body)
  const masked = (text: string | undefined) => text && redact(text)
  const faults = problem.faults.map(({ path, message }) => ({
    path: redact(oneLine(path)),
    message: redact(oneLine(message)),
  }))
  const detail = faults.length > 0 ? faults.map(sentenceOf).join('; ') : masked(problem.detail)
  const sentence = detail === undefined ? `${base} answered HTTP ${status}` : oneLine(detail)
  const about = {
    status,
    retryAfter,
    faults,
    hint: masked(problem.hint),
    requestId: masked(problem.requestId ?? requestId),
    oldestId: problem.oldestId ?? undefined,
    newestId: problem.newestId,
    isPage: problem.code === undefined && detail === undefined,
  }
  const code = knownCode(problem.code)
  // A proxy may answer 5xx while the server goes on; only a code of jobs-server says that nothing was changed.
  if (!code && changing && status >= 500) return new JobsError('outcome_unknown', `${sentence}; ${mayBeDone}`, about)
  return new JobsError(sentCode(code ?? codeOfStatus(status)), sentence, about)
}

/** A fault of the whole body has no path. */
const sentenceOf = ({ path, message }: Fault): string => `${path} ${message}`.trim()

/** A server sends none of the codes that only the command line has. */
const sentCode = (code: ReturnType<typeof codeOfStatus>): ErrorCode =>
  code === 'usage' || code === 'interrupted' || code === 'terminated' ? 'internal' : code

/** The error of a call without an answer. */
export function failureOfConnection(cause: unknown, { base, changing, redact }: CallContext): JobsError {
  const reason = redact(oneLine(reasonOf(cause))).slice(0, 200)
  if (changing && reason !== badPort && !isNeverSent(reason)) {
    return new JobsError('outcome_unknown', `the connection to ${base} was lost (${reason}); ${mayBeDone}`, { cause })
  }
  return new JobsError('unreachable', `cannot reach ${base} (${reason})`, { cause })
}

/** The error of a call whose time is over. */
export const failureOfDeadline = ({ base, changing }: CallContext): JobsError =>
  changing
    ? new JobsError('outcome_unknown', `no answer from ${base} in time; ${mayBeDone}`)
    : new JobsError('timed_out', `no answer from ${base} in time`)

/** The error of an answer that this client cannot read. */
export const unreadable = (why: string, { base, changing, status }: CallContext): JobsError =>
  changing
    ? new JobsError('outcome_unknown', `${base} sent an answer that ${why}; the change may have been made`, { status })
    : new JobsError('unexpected_answer', `${base} sent an answer that ${why}`, { status })

/** What `fetch` says of the ports that it never calls, such as 6000: this error has no code. */
const badPort = 'bad port'

/** The code of the system beneath an error of `fetch`, or else what the innermost error says. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer'
  if ('code' in error && typeof error.code === 'string') return error.code
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause
  return inner === undefined ? error.message || 'no answer' : reasonOf(inner)
}

function jsonOf(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

const oneLine = (text: string): string => text.replaceAll(/\s*[\r\n]\s*/g, ' ')
