import { Failure, type FailureCode, type Fault } from '../../shared/errors.ts'
import { codeOfStatus, FailureBody, knownCode } from '../../shared/failure-body.ts'
import { headers } from '../../shared/headers.ts'
import { interrupted } from '../interrupted.ts'
import { inFlagNames } from '../settings/flag-errors.ts'
import type { Target } from '../settings/target.ts'
import type { Deadline } from './deadline.ts'
import { redactorFor } from './redact.ts'

/** An answer as it came. */
export interface Received {
  status: number
  headers: Record<string, unknown>
  header: (name: string) => string | undefined
  /** What its JSON says; undefined where it is none. */
  json: unknown
}

interface Call {
  target: Target
  method: string
  path: string
  changing: boolean
}

/** The redirection that says where to read of what was done; the others say that nothing was. */
const seeOther = 303
const perhapsMade = 'the change may have been made'

/** What a server meant by an answer that is not a success. */
export function failureOfResponse(received: Received, { target, method, path, changing }: Call): Failure {
  const { status, header, json } = withoutKey(received, target)
  const server = target.url.origin
  const said = FailureBody.safeParse(json).data
  const requestId = said?.request_id ?? header(headers.requestId)
  const about = { server, requestId, retryAfter: secondsOf(header('retry-after')) }
  if (status < 400)
    return redirected(header('location'), changing && status === seeOther ? `; ${perhapsMade}` : '', about)
  const detail = said ? sentenceOf(said) : `${server} answered HTTP ${status}`
  const known = knownCode(said?.code)
  // A proxy answers so while the server goes on; only a code of ours says that nothing was changed.
  if (changing && status >= 500 && !known) {
    return new Failure('outcome_unknown', `${detail}; ${unanswered}`, { ...about, hint: said?.hint })
  }
  const code = known ?? guessed(status, detail)
  if ((status === 404 || status === 405) && (!said || namesNothing.test(detail))) {
    return new Failure(code, `${server} has no ${method} ${path}`, {
      ...about,
      hint: 'this server lacks what the command needs, or --url is not the root of a jobs server; jobsctl doctor looks closer',
    })
  }
  return new Failure(code, detail, { ...about, hint: said?.hint ?? hints[code] })
}

/** What servers say where they have no such path, ours included. */
const namesNothing = /^(not found|method not allowed|there is nothing at this path)\.?$/i

/** A server may send the key back, and what it says of a failure ends in logs. */
function withoutKey({ status, headers, header, json }: Received, target: Target): Received {
  const masked = redactorFor(target)
  const maskedValue = (_name: string, value: unknown) => (typeof value === 'string' ? masked(value) : value)
  return {
    ...{ status, headers },
    header: (name) => {
      const value = header(name)
      return value === undefined ? undefined : masked(value)
    },
    json: json === undefined ? undefined : JSON.parse(JSON.stringify(json), maskedValue),
  }
}

interface About {
  server: string
  requestId: string | undefined
}

function redirected(to: string | undefined, unsure: string, about: About): Failure {
  const where = to ? ` to ${to}` : ''
  return new Failure('unexpected_answer', `${about.server} redirects${where}; a key is never taken there${unsure}`, {
    ...about,
    hint: unsure ? undefined : 'give the address where the server is with --url',
  })
}

/** An answer that is longer than any that jobsctl could read. */
export function tooLong({ target, changing }: Pick<Call, 'target' | 'changing'>, mostBytes: number): Failure {
  const server = target.url.origin
  const unsure = changing ? `; ${perhapsMade}` : ''
  return new Failure('unexpected_answer', `${server} answered with more than ${mostBytes / 2 ** 20} MiB${unsure}`, {
    server,
  })
}

/** What is no answer that jobsctl knows: of a read that it has the wrong server, of a change nothing for sure. */
export function unexpectedResponse(
  received: Received,
  { target, changing }: Pick<Call, 'target' | 'changing'>,
): Failure {
  const server = target.url.origin
  const unsure = changing ? `; ${perhapsMade}` : ''
  return new Failure('unexpected_answer', `${server} answered what jobsctl does not understand${unsure}`, {
    hint: changing ? undefined : 'is this the root of a jobs server? jobsctl doctor looks closer',
    requestId: withoutKey(received, target).header(headers.requestId),
    server,
  })
}

function sentenceOf({ detail, errors }: FailureBody): string {
  if (errors && errors.length > 0) return faultLines(errors)
  if (typeof detail === 'string') return oneLine(detail)
  return faultLines(detail.map(({ loc, msg }) => ({ path: String(loc.at(-1) ?? 'request'), message: msg })))
}

const faultLines = (faults: readonly Fault[]): string =>
  inFlagNames(faults.map(({ path, message }) => ({ path: oneLine(path), message: oneLine(message) })))

/** A server's words must not look like lines of ours. */
const oneLine = (text: string): string => text.replaceAll(/\s*[\r\n]\s*/g, ' ')

/** A server without codes says in words that it wants to be confirmed. */
const guessed = (status: number, detail: string): FailureCode =>
  status === 400 && /confirm/i.test(detail) ? 'confirmation_required' : codeOfStatus(status)

const hints: Partial<Record<FailureCode, string>> = {
  unauthenticated: 'jobsctl doctor tells which key was used, and where it came from',
  forbidden: 'this key may not do that',
  internal: 'the log of the server tells more',
}

function secondsOf(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter)
  const at = Date.parse(retryAfter)
  return Number.isNaN(at) ? undefined : Math.max(0, (at - Date.now()) / 1000)
}

interface Attempt {
  target: Target
  changing: boolean
  signal: AbortSignal
  deadline: Deadline
  wholeMs: number
}

const unanswered = 'the server may still finish it'

/** Why there is no answer at all: interrupted, too late, not connected, or what its beginning says already. */
export function failureOfConnection(error: unknown, attempt: Attempt): Failure {
  const { target, changing, signal, deadline, wholeMs } = attempt
  const server = target.url.origin
  const unsure = changing ? `; ${unanswered}` : ''
  if (error instanceof Failure) return error
  if (signal.aborted) return interrupted(signal, unsure)
  if (deadline.signal.aborted) {
    const late = deadline.ofSilence() ? `no word from ${server} for` : `no answer from ${server} within`
    return new Failure('timed_out', `${late} ${wholeMs / 1000} s${unsure}`, {
      ...(!changing && { hint: 'raise --timeout, or try again later' }),
      cause: error,
    })
  }
  const cause = error instanceof Error ? error : new Error(String(error))
  const code = 'code' in cause && cause.code !== undefined ? String(cause.code) : cause.name
  const lost = changing && code !== 'ECONNREFUSED' && code !== 'ENOTFOUND' && !/CERT|TLS|SSL/.test(code)
  return new Failure('unreachable', `cannot reach ${server}: ${reasons[code] ?? code}${lost ? unsure : ''}`, {
    ...(!lost && { hint: 'jobsctl doctor looks closer' }),
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
  HTTPParserError: 'what it answers is no HTTP',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  CERT_HAS_EXPIRED: 'its certificate has expired',
}
