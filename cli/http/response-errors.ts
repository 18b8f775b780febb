import { codeOfStatus, Failure, type FailureCode, knownCode, type MoreFields } from '../../shared/errors.ts'
import { headers } from '../../shared/headers.ts'
import { plansPath } from '../../shared/plans/plan-states.ts'
import { type Problem, problemOf } from '../../shared/problem.ts'
import { secondsOf } from '../../shared/retry-after.ts'
import { spanText } from '../../shared/times/time-and-size.ts'
import { inWordsOf } from '../../shared/words-of-clients.ts'
import { inFlagNames } from '../settings/flags/flag-errors.ts'
import type { Target } from '../settings/target.ts'
import { unanswered } from './connection-errors.ts'
import { type Received, redacted } from './received.ts'

interface Call {
  target: Target
  method: string
  path: string
  changing: boolean
}

/** HTTP 303 answers a request that was processed; after the other redirects nothing was processed. */
const seeOther = 303
const maybeChanged = 'the change may have been made'

/** The failure that an answer other than 2xx means. */
export function failureOfResponse(received: Received, { target, method, path, changing }: Call): Failure {
  const { status, header, json } = redacted(received, target)
  const server = target.name
  const problem = sentProblem(json)
  const requestId = problem?.requestId ?? header(headers.requestId)
  const about = { server, requestId, retryAfter: secondsOf(header('retry-after')), fields: moreFieldsOf(problem) }
  if (status < 400)
    return redirected(header('location'), changing && status === seeOther ? `; ${maybeChanged}` : '', about)
  const detail = problem ? inWordsOf('jobsctl', sentenceOf(problem)) : `${server} answered HTTP ${status}`
  const hint = problem?.hint === undefined ? undefined : inWordsOf('jobsctl', problem.hint)
  const known = knownCode(problem?.code)
  // A proxy may answer 5xx while the server goes on; only a code of jobs-server says that nothing was changed.
  if (changing && status >= 500 && !known) {
    return new Failure('outcome_unknown', `${detail}; ${unanswered}`, { ...about, hint })
  }
  const code = known ?? codeByStatus(status, detail)
  if (hasNoEndpoint(status, detail, problem, path)) {
    return new Failure(status === 404 ? code : 'not_found', `${server} has no ${method} ${path}`, {
      ...about,
      hint: 'this server lacks what the command needs, or --url is not the root of a jobs server; run jobsctl doctor',
    })
  }
  if (code === 'unauthenticated') {
    const asksForToken = /^Bearer\b/i.test(header('www-authenticate') ?? '')
    // The other server asks for a token whatever it takes, and its errors have no code.
    return rejectedKey(target, { detail, takes: known && asksForToken ? 'tokens' : known ? 'keys' : 'either' }, about)
  }
  if (!problem && status === 403) return refusedByProxy(about)
  if (!known && (status === 502 || status === 504)) return proxyError(status, problem && detail, about)
  return new Failure(code, detail, {
    ...about,
    // The faults of other servers name no fields of this API.
    faults: problem && problem.places.length === 0 ? problem.faults : [],
    hint: hint ?? hintOn(code, detail, about.retryAfter),
  })
}

interface Rejection {
  detail: string
  takes: 'keys' | 'tokens' | 'either'
}

/** A wrong key is a wrong setting: the error names the setting that gave the key, and the one of a token where the server takes tokens. */
function rejectedKey(
  { credential, credentialFrom, from }: Target,
  { detail, takes }: Rejection,
  about: About,
): Failure {
  const secret = credential?.header === 'Authorization' ? 'token' : 'key'
  const own = `put a ${secret} of this server into ${credentialFrom}, or check the address, which ${from} gives`
  const token = settingOfToken(credentialFrom)
  const hints = {
    keys: own,
    tokens: `this server takes tokens: give the token by ${token} in place of ${credentialFrom}`,
    either: `${own}; where it has several users, it takes a token, by ${token}`,
  }
  const hint = secret === 'key' ? hints[takes] : own
  return new Failure('unauthenticated', `${about.server} rejected the ${secret} of ${credentialFrom}: ${detail}`, {
    ...about,
    hint,
  })
}

/** The setting of a token that stands beside a setting of a key: `--token-file` beside `--api-key-file`. */
const settingOfToken = (ofKey = 'API_KEY'): string =>
  ofKey === 'API_KEY' ? 'JOBSCTL_TOKEN' : ofKey.replace(/api[_-]key/, 'token').replace('API_KEY', 'TOKEN')

/** jobs-server sends a code with its errors, so a gateway error without a code is the answer of a proxy. */
function proxyError(status: number, detail: string | undefined, about: About): Failure {
  const text = detail === undefined ? '' : `: ${detail}`
  return new Failure(
    'database_unavailable',
    `a proxy at ${about.server} answered HTTP ${status}${text}; nothing was changed`,
    {
      ...about,
      hint: 'check that the jobs server behind the proxy runs, then run the command again',
    },
  )
}

/** Every jobs server says why it refuses a call. */
const refusedByProxy = (about: About): Failure =>
  new Failure('forbidden', `a proxy at ${about.server} answered HTTP 403; nothing was changed`, {
    ...about,
    hint: 'the rules of the proxy refuse this call or the address that you call from: ask who runs it',
  })

/** Another server may read a word of the path as a job id, and then rejects the id instead of the path. */
function hasNoEndpoint(status: number, detail: string, problem: Problem | undefined, path: string): boolean {
  if (status === 404 || status === 405) return !problem || namesNothing.test(detail)
  const places = problem?.places ?? []
  return status === 422 && places.length > 0 && places.every((place) => place === 'path') && !/\/\d+(\/|$)/.test(path)
}

/** The sentences of servers for a path that they do not have. */
const namesNothing = /^(not found|method not allowed|there is nothing at this path)\.?$/i

interface About {
  server: string
  requestId: string | undefined
}

function redirected(to: string | undefined, outcome: string, about: About): Failure {
  const where = to ? ` to ${to}` : ''
  return new Failure(
    'unexpected_answer',
    `${about.server} redirects${where}; jobsctl does not follow redirects, since they would show the key to another server${outcome}`,
    {
      ...about,
      hint: outcome ? undefined : 'give the address of the server itself with --url',
    },
  )
}

/** The failure for an answer above the size limit. */
export function tooLong(
  { target, changing, room }: Pick<Call, 'target' | 'changing'> & { room?: object | undefined },
  most: number | { together: number },
): Failure {
  const server = target.name
  const how =
    room === undefined
      ? ', or lower --limit'
      : ', lower --limit, or ask this profile alone with --profile, which takes longer answers'
  const outcome = changing ? `; ${maybeChanged}` : ''
  const size = (bytes: number) => `more than ${bytes / 2 ** 20} MiB`
  const what = typeof most === 'number' ? size(most) : `${size(most.together)} together with those of other profiles`
  return new Failure('unexpected_answer', `${server} answered with ${what}${outcome}`, {
    hint: changing ? undefined : `narrow the filter${how}`,
    server,
  })
}

/**
 * The failure for a 2xx answer that does not match the contract. A read may have the wrong server, or the key of an agent; a change, or a
 * plan of one, may have been made.
 */
export function unexpectedResponse(
  received: Received,
  { target, changing, path }: Pick<Call, 'target' | 'changing' | 'path'>,
): Failure {
  const server = target.name
  const made = path === plansPath ? 'the plan may have been made, and no job was changed' : maybeChanged
  const outcome = changing ? `; ${made}` : ''
  return new Failure('unexpected_answer', `${server} sent an answer that jobsctl does not understand${outcome}`, {
    hint: changing
      ? undefined
      : 'check with jobsctl doctor that --url is the root of a jobs server; with the key of an agent use jobsctl mcp, since an agent gets answers without some fields',
    requestId: redacted(received, target).header(headers.requestId),
    server,
  })
}

/** The problem of a server that says what happened; undefined for another answer. */
function sentProblem(json: unknown): Problem | undefined {
  const problem = problemOf(json)
  return problem.detail === undefined && problem.faults.length === 0 ? undefined : problem
}

const sentenceOf = ({ detail, faults }: Problem): string =>
  faults.length === 0
    ? oneLine(detail ?? '')
    : inFlagNames(faults.map(({ path, message }) => ({ path: oneLine(path || 'request'), message: oneLine(message) })))

function moreFieldsOf(problem: Problem | undefined): MoreFields {
  if (problem?.isRefusedByDatabase) return { refused_by_database: true }
  return problem?.newestId === undefined ? {} : { oldest_id: problem.oldestId ?? null, newest_id: problem.newestId }
}

/** One line: the text of a server must not look like lines of jobsctl. */
const oneLine = (text: string): string => text.replaceAll(/\s*[\r\n]\s*/g, ' ')

/** The code by status and sentence, for a server without codes. */
const codeByStatus = (status: number, detail: string): FailureCode =>
  status === 400 && /confirm/i.test(detail) ? 'confirmation_required' : codeOfStatus(status)

/** What to do where a server gives no hint. */
function hintOn(code: FailureCode, detail: string, retryAfter: number | undefined): string | undefined {
  if (code === 'rate_limited') return `run the command again in ${spanText(Math.max(1, retryAfter ?? 60))}`
  if (code === 'database_unavailable')
    return 'run the command again in a moment; jobsctl doctor shows what the server reaches'
  if (code === 'internal') return 'read the log of the server'
  if (code !== 'forbidden') return undefined
  if (wantsDomain(detail))
    return 'this server answers for one domain at a time: add --domain, as in jobsctl stats --domain chatbooks'
  if (/not allowed for domain/i.test(detail))
    return 'this key is limited to other domains: name one of them with --domain'
  return 'this key has no right to do this; a key that is limited to some domains needs --domain'
}

/** Whether an error says that a server which keeps keys to their domains wants a domain to be named. */
export const wantsDomain = (detail: string): boolean => /domain filter/i.test(detail)

/** Whether an error of jobs-server says that the role of the caller lacks a right, or that its scope is too narrow for the call. */
export const lacksRight = (detail: string): boolean => /lacks the right "|, and is not served here, since /.test(detail)
