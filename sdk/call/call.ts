import { headers as names, ndjson } from '../../shared/headers.ts'
import type { Progress } from '../wire/types.ts'
import { bytesOf, linesOf, TooLong, textOf } from './body.ts'
import { type Deadline, deadlineAfter } from './deadline.ts'
import { parseJson } from './exact-json.ts'
import {
  type CallContext,
  failureOf,
  failureOfConnection,
  failureOfDeadline,
  failureOfProblem,
  unreadable,
} from './failure.ts'
import { JobsError } from './jobs-error.ts'
import { jitter, pause } from './pause.ts'
import { type Method, type Request, requestOf } from './request.ts'
import { requireNumber, type Settings } from './settings.ts'

/** What one call may have beside its input. */
export interface CallOptions {
  /** Ends the call; it then throws the reason of the signal. A change that was sent goes on. */
  signal?: AbortSignal | undefined
  /** In place of `timeoutMs` of the client. */
  timeoutMs?: number | undefined
  /** In place of `retries` of the client. */
  retries?: number | undefined
  /** True confirms a change (`X-Confirm`); without it a change that needs a confirmation fails, and changes nothing. */
  confirm?: boolean | undefined
  /** Why, kept with the record of a change: one line of up to 500 characters. */
  reason?: string | undefined
  /** The same key and input is the same change of many jobs: it is made once, and answered each time. */
  idempotencyKey?: string | undefined
  /** Goes past the approval that a change needs. */
  emergency?: boolean | undefined
  /** Told of a change of many jobs while it is made. The deadline then limits the silence of the server. */
  onProgress?: ((progress: Progress) => void) | undefined
  /** Given the headers of the answer, such as `Link` of a list in pages. */
  onHeaders?: ((headers: Headers) => void) | undefined
}

/** Makes a call; the types of `calls.ts` say what is answered. */
export type Call = <T>(method: Method, path: string, input: object, options?: CallOptions) => Promise<T>

/** The longest time of a timer of the platform; a longer one would be over at once. */
const longestMs = 2 ** 31 - 1

/** The function through which every call goes. It throws JobsError, and TypeError for an option that cannot be right. */
export function createCall(settings: Settings): Call {
  return async <T>(method: Method, path: string, input: object, options: CallOptions = {}) => {
    const request = requestOf(method, path, input)
    const { timeoutMs = settings.timeoutMs, retries = settings.retries, signal } = options
    requireNumber('timeoutMs', timeoutMs, 1, longestMs)
    const headers = { ...headersOf(request, options), ...settings.credentials }
    const deadline = deadlineAfter(Math.min(timeoutMs + waitMsOf(input), longestMs), { caller: signal })
    try {
      for (let tried = 0; ; tried++) {
        try {
          signal?.throwIfAborted()
          return trusted<T>(await send(request, { settings, options, headers, deadline }))
        } catch (error) {
          if (!(error instanceof JobsError) || tried >= retries || !mayRepeat(error, request)) throw error
          const ms = error.retryAfter === undefined ? jitter(tried) : error.retryAfter * 1000
          if (ms >= deadline.left()) throw error
          await pause(ms, deadline.signal)
        }
      }
    } finally {
      deadline.end()
    }
  }
}

/** The server keeps the contract that the types are made from, so that answers are not checked a second time. */
const trusted = <T>(answer: unknown): T => answer as T

/** A call that may wait until there is a job has that much more time. */
const waitMsOf = (input: object): number =>
  'wait_seconds' in input && typeof input.wait_seconds === 'number' ? Math.max(0, input.wait_seconds * 1000) || 0 : 0

const mayRepeat = ({ temporary, code }: JobsError, { changing }: Request): boolean =>
  temporary && code !== 'timed_out' && !(changing && code === 'outcome_unknown')

interface Sending {
  settings: Settings
  options: CallOptions
  headers: Readonly<Record<string, string>>
  deadline: Deadline
}

async function send(request: Request, sending: Sending): Promise<unknown> {
  const { method, path, body, changing } = request
  const { settings, options, headers, deadline } = sending
  let context: CallContext = { base: settings.base, changing, redact: settings.redact }
  try {
    const response = await settings.fetch(`${settings.base}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
      redirect: 'manual',
      credentials: 'omit',
      signal: deadline.signal,
    })
    if (!response.ok) throw failureOf(response, await textOf(response, settings.maxResponseBytes), context)
    options.onHeaders?.(response.headers)
    context = { ...context, status: response.status }
    if ((response.headers.get('Content-Type') ?? '').startsWith(ndjson))
      return await lastLine(response, { ...sending, context })
    return wholeAnswer(read(await textOf(response, settings.maxResponseBytes), context), context)
  } catch (error) {
    if (error instanceof JobsError) throw error
    if (deadline.isOver()) throw failureOfDeadline(context)
    options.signal?.throwIfAborted()
    if (error instanceof TooLong) throw unreadable('is too long', context)
    throw failureOfConnection(error, context)
  }
}

function headersOf({ body }: Request, options: CallOptions): Record<string, string> {
  const { confirm, emergency, reason, idempotencyKey, onProgress } = options
  return {
    Accept: onProgress ? ndjson : 'application/json',
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
    ...(confirm && { [names.confirm]: 'true' }),
    ...(emergency && { [names.emergency]: 'true' }),
    ...(reason !== undefined && { [names.reason]: inBytes('reason', reason) }),
    ...(idempotencyKey !== undefined && { [names.idempotencyKey]: inBytes('idempotencyKey', idempotencyKey) }),
  }
}

/**
 * A header carries bytes: a text goes as UTF-8.
 * @throws TypeError for a text that no header takes: the platform would refuse it as if the connection had failed
 */
function inBytes(name: string, text: string): string {
  if (/[^\P{Cc}\t]/u.test(text)) throw new TypeError(`${name} must be one line, without control characters`)
  return String.fromCharCode(...new TextEncoder().encode(text))
}

function read(text: string, context: CallContext): unknown {
  try {
    return parseJson(text)
  } catch {
    throw unreadable('is not JSON', context)
  }
}

/** Each answer of the API is an object or a list: anything else was not sent by a jobs server. */
function wholeAnswer(answer: unknown, context: CallContext): object {
  if (typeof answer === 'object' && answer !== null) return answer
  throw unreadable('was not sent by a jobs server; check that url is its root', context)
}

interface Following extends Sending {
  context: CallContext
}

/** Reads a change that reports its progress, up to its answer. */
async function lastLine(response: Response, following: Following): Promise<unknown> {
  const { settings, options, deadline, context } = following
  for await (const text of linesOf(bytesOf(response), settings.maxResponseBytes)) {
    deadline.heard()
    const line = read(text, context)
    if (typeof line !== 'object' || line === null) break
    if ('result' in line) return line.result
    if ('error' in line) {
      const problem = { ...Object(line.error) }
      throw failureOfProblem(problem, { ...context, status: Number(problem.status) || 500 })
    }
    if ('progress' in line) options.onProgress?.(trusted<Progress>(line.progress))
  }
  throw unreadable('ends before the change has ended', context)
}
