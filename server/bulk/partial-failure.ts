import { Failure } from '../../shared/errors.ts'

interface Stopped {
  id: number
  affected: number
  /** What stopped it, as a clause. */
  why: string
  cause?: unknown
}

/** The failure of a change that was stopped half-way. */
export function partialFailure({ id, affected, why, cause }: Stopped): Failure {
  const jobs = `${affected.toLocaleString('en-US')} ${affected === 1 ? 'job was' : 'jobs were'}`
  return new Failure('partial', `${why}; ${jobs} changed before that, and no more (operation ${id})`, {
    hint: 'run it again to go on',
    retryAfter: 5,
    cause,
  })
}
