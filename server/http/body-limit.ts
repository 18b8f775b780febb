import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { Failure } from '../../shared/errors.ts'

/** Refuses a larger body: by its length where the caller tells it, and otherwise as it comes. */
export function limitBody(maxSize: number): MiddlewareHandler {
  const asItComes = bodyLimit({ maxSize, onError: () => tooLarge(maxSize) })
  return (c, next) => {
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return next()
    const length = c.req.header('content-length')
    if (length === undefined || c.req.header('transfer-encoding') !== undefined)
      return asItComes(c, next).catch(rejectAbortedBody)
    if (Number(length) > maxSize) return tooLarge(maxSize)
    return next() // to look at the body would make a stream of it
  }
}

/** A caller that goes away in the middle of its body is no fault of the database. */
export function rejectAbortedBody(cause: unknown): never {
  const gone =
    cause instanceof Error && (cause.message === 'aborted' || ('code' in cause && cause.code === 'ECONNRESET'))
  throw gone ? new Failure('malformed_json', 'the body ended early', { cause }) : cause
}

const tooLarge = (limit: number): never => {
  throw new Failure('too_large', `the body is larger than ${limit} bytes; nothing was changed`)
}
