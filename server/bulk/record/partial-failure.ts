import { Failure } from '../../../shared/errors.ts'

interface PartialOperation {
  id: number
  affected: number
  /** What stopped the operation, as a clause. */
  why: string
  /** The request had an idempotency key, under which it is answered with this failure again. */
  hasKey: boolean
  /** What must be done before it can be run again, as a clause of a command; undefined where nothing must. */
  first?: string | undefined
  cause?: unknown
}

/** The hint of an operation that stopped, and the field `retry_with`. */
export const howToGoOn = (hasKey: boolean) =>
  hasKey
    ? ({
        hint: 'run it again with another Idempotency-Key to go on; the same key repeats this answer',
        retryWith: 'another_idempotency_key',
      } as const)
    : { hint: 'run it again to go on' }

/** The failure `partial` of an operation that stopped after `affected` jobs. */
export function partialFailure({ id, affected, why, hasKey, first, cause }: PartialOperation): Failure {
  const jobs = `${affected.toLocaleString('en-US')} ${affected === 1 ? 'job was' : 'jobs were'}`
  const detail = `${why}; ${jobs} changed before that, and no more (operation ${id})`
  const { hint, retryWith } = howToGoOn(hasKey)
  return new Failure('partial', detail, {
    hint: first === undefined ? hint : `${first}; then ${hint}`,
    retryWith,
    retryAfter: 5,
    cause,
  })
}
