import { bytesOf, TooLong, textOf } from './body.ts'
import { deadlineAfter } from './deadline.ts'
import { parseJson } from './exact-json.ts'
import { type CallContext, failureOf, failureOfConnection, failureOfDeadline, unreadable } from './failure.ts'
import { JobsError } from './jobs-error.ts'
import { requestOf } from './request.ts'
import { serverEventsOf } from './server-events.ts'
import type { Settings } from './settings.ts'

/** A message of a stream. */
export interface StreamMessage {
  /** The id to go on from: of a stream of events it is the `after_id` of the next stream. */
  id: string | undefined
  /** The name of the message, such as `job`. */
  event: string
  /** The JSON of the message. */
  data: unknown
}

export interface StreamOptions {
  /** Ends the stream without an error. */
  signal?: AbortSignal | undefined
}

/** Servers send something at least every ten seconds. */
const silenceMs = 30_000

/**
 * Reads a stream of server-sent events, until the server or the caller ends it.
 * @throws JobsError for an answer that is no stream, and for a connection that breaks or stays silent for 30 s while the caller reads
 */
export async function* streamOf(
  settings: Settings,
  path: string,
  input: object,
  { signal }: StreamOptions = {},
): AsyncGenerator<StreamMessage, void, undefined> {
  const { base, redact, credentials, maxResponseBytes } = settings
  const context: CallContext = { base, changing: false, redact }
  const deadline = deadlineAfter(silenceMs, { caller: signal })
  try {
    const response = await settings.fetch(`${base}${requestOf('GET', path, input).path}`, {
      headers: { Accept: 'text/event-stream', ...credentials },
      redirect: 'manual',
      credentials: 'omit',
      signal: deadline.signal,
    })
    if (!response.ok) throw failureOf(response, await textOf(response, maxResponseBytes), context)
    if (!(response.headers.get('Content-Type') ?? '').startsWith('text/event-stream'))
      throw unreadable('is no stream', context)
    const limits = { most: maxResponseBytes, heard: deadline.heard }
    for await (const { data, ...message } of serverEventsOf(bytesOf(response), limits)) {
      deadline.rest()
      yield { ...message, data: dataOf(data, context) }
      deadline.heard()
    }
  } catch (error) {
    if (error instanceof JobsError) throw error
    if (deadline.isOver()) throw failureOfDeadline(context)
    if (signal?.aborted) return
    throw error instanceof TooLong ? unreadable('is too long', context) : failureOfConnection(error, context)
  } finally {
    deadline.end()
  }
}

function dataOf(text: string, context: CallContext): unknown {
  try {
    return parseJson(text)
  } catch {
    throw unreadable('has a message that is not JSON', context)
  }
}
