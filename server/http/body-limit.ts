import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { Failure } from '../../shared/errors.ts'

/**
 * Refuses a body of more than `maxSize` bytes: by its `Content-Length`, or while it arrives where it has none.
 * @throws Failure `too_large`
 */
export function limitBody(maxSize: number): MiddlewareHandler {
  const limitWhileReading = bodyLimit({ maxSize, onError: () => tooLarge(maxSize) })
  return (c, next) => {
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return next()
    const length = c.req.header('content-length')
    if (length === undefined || c.req.header('transfer-encoding') !== undefined)
      return limitWhileReading(c, next).catch(rejectAbortedBody)
    if (Number(length) > maxSize) return tooLarge(maxSize)
    return next() // reading the body here would turn it into a stream, which is slower
  }
}

/**
 * A handler for errors of reading a body.
 * @throws Failure `malformed_json` when the caller disconnected before the end of its body, else the error itself
 */
export function rejectAbortedBody(cause: unknown): never {
  const aborted =
    cause instanceof Error && (cause.message === 'aborted' || ('code' in cause && cause.code === 'ECONNRESET'))
  throw aborted ? new Failure('malformed_json', 'the body ended early', { cause }) : cause
}

const tooLarge = (limit: number): never => {
  throw new Failure('too_large', `the body is larger than ${limit} bytes; nothing was changed`)
}
