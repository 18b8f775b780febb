import type { FailureCode } from '../../shared/errors.ts'
import { Failure } from '../../shared/errors.ts'

const unsure: readonly FailureCode[] = [
  'timed_out',
  'unreachable',
  'interrupted',
  'terminated',
  'outcome_unknown',
  'unexpected_answer',
]

/** Whether nobody knows if the change was made. */
export const isOutcomeUnknown = ({ code }: Failure): boolean => unsure.includes(code)

/** The failure of a change: where nobody knows whether it was made, with what shows it. */
export function withLookCommand(failure: Failure, look: string): Failure {
  const { code, message, hint = look, requestId, server, cause } = failure
  return isOutcomeUnknown(failure) ? new Failure(code, message, { hint, requestId, server, cause }) : failure
}
