import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from 'hono'
import { stream } from 'hono/streaming'
import type { Progress, ProgressLine } from '../../../shared/changes/bulk-change.ts'
import { ndjson } from '../../../shared/headers.ts'
import type { ServerContext } from '../../call.ts'
import { startInactivityTimeout } from '../connection/inactivity-timeout.ts'
import { inactivityFailure, logFailure, toFailure } from '../error-mapping.ts'
import { problemOf } from '../problem.ts'
import type { RequestContext } from '../request/request-context.ts'
import { respond } from '../respond.ts'
import { setStreamHeaders } from './stream-headers.ts'

/** The shortest and the longest time between two lines, in milliseconds. */
const [leastPause, mostPause] = [200, 5000]

/** True when the caller accepts progress lines: `Accept: application/x-ndjson`. */
export const asksForProgress = (c: Context): boolean =>
  (c.req.header('accept') ?? '').split(',').some((type) => type.split(';')[0]?.trim().toLowerCase() === ndjson)

/**
 * Responds to a change line by line, from the moment it begins: progress lines, and in the end the line with the result
 * or the error. A change that ends before it begins gets an ordinary response.
 * @param leave is called when the caller disconnects: Node counts the response as finished where it was ended for that
 * @throws the error of `run`, or Failure `outcome_unknown`, when that comes before the first line
 */
export async function withProgress(
  c: Context<RequestContext>,
  serving: ServerContext,
  run: (progressed: (progress: Progress) => void) => Promise<unknown>,
  leave: () => void,
): Promise<Response> {
  const silence = startInactivityTimeout(serving.callTimeoutMs)
  let latest: Progress | undefined
  let begin = () => {}
  const begun = new Promise<'begun'>((resolve) => {
    begin = () => resolve('begun')
  })
  const ended = run((progress) => {
    latest = progress
    silence.restart()
    begin()
  })
  const first = await Promise.race([ended, begun, silence.expired])
  if (first !== 'begun') {
    silence.end()
    if (first === 'silence') throw inactivityFailure(true)
    return respond(c, JSON.stringify(first))
  }
  setStreamHeaders(c)
  c.header('Content-Type', ndjson)
  return stream(c, async (lines) => {
    lines.onAbort(leave)
    const write = (line: ProgressLine) => lines.write(`${JSON.stringify(line)}\n`)
    const last = Promise.race([ended, silence.expired]).then(
      (outcome): ProgressLine => (outcome === 'silence' ? failed(inactivityFailure(true)) : { result: outcome }),
      (error: unknown): ProgressLine => failed(error),
    )
    for (let sent: Progress | undefined, at = 0; ; ) {
      if (latest && (latest !== sent || performance.now() - at > mostPause)) {
        sent = latest
        at = performance.now()
        await write({ progress: latest })
      }
      const line = await Promise.race([last, sleep(leastPause, undefined, { ref: false })])
      if (!line) continue
      silence.end()
      await write(line)
      return
    }
  })

  function failed(error: unknown): ProgressLine {
    const failure = toFailure(error, true)
    logFailure(serving.log, failure, c.get('requestId'))
    serving.meter?.failed(failure, true)
    return { error: problemOf(failure, c.get('requestId')) }
  }
}
