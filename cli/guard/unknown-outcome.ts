import type { FailureCode } from '../../shared/errors.ts'
import { Failure } from '../../shared/errors.ts'

const unknownCodes: readonly FailureCode[] = [
  'timed_out',
  'unreachable',
  'interrupted',
  'terminated',
  'outcome_unknown',
  'unexpected_answer',
]

/** Whether the failure leaves open if the change was made. */
export const isOutcomeUnknown = ({ code }: Failure): boolean => unknownCodes.includes(code)

/** The failure of a change; where the outcome is unknown, with `look` as its hint. */
export function withLookCommand(failure: Failure, look: string): Failure {
  const { code, message, hint = look, requestId, server, cause } = failure
  return isOutcomeUnknown(failure) ? new Failure(code, message, { hint, requestId, server, cause }) : failure
}
