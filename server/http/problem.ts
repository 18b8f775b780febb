import { type Failure, failures, type Problem } from '../../shared/errors.ts'

/** A failure as the body of a response (RFC 9457). */
export function problemOf(failure: Failure, requestId: string): Problem {
  const words = failure.code.replaceAll('_', ' ')
  return {
    ...failure.fields,
    type: `urn:jobs:problem:${failure.code}`,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    status: failures[failure.code].status,
    detail: failure.message,
    code: failure.code,
    request_id: requestId,
    ...(failure.hint !== undefined && { hint: failure.hint }),
    ...(failure.retryWith !== undefined && { retry_with: failure.retryWith }),
    ...(failure.faults.length > 0 && { errors: failure.faults }),
  }
}
