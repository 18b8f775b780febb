import { Failure } from '../../shared/errors.ts'

interface PartialOperation {
  id: number
  affected: number
  /** What stopped the operation, as a clause. */
  why: string
  cause?: unknown
}

/** The failure `partial` of an operation that stopped after `affected` jobs. */
export function partialFailure({ id, affected, why, cause }: PartialOperation): Failure {
  const jobs = `${affected.toLocaleString('en-US')} ${affected === 1 ? 'job was' : 'jobs were'}`
  return new Failure('partial', `${why}; ${jobs} changed before that, and no more (operation ${id})`, {
    hint: 'run it again to go on',
    retryAfter: 5,
    cause,
  })
}
