import type { Failure } from '../../../shared/errors.ts'

/**
 * A batch changed fewer jobs than it had locked, although no other transaction can have them. It rolls back, since a trigger that keeps rows as they
 * are may write others, and runs again with fewer jobs: another transaction may have written a job between the snapshot and the lock.
 */
export class RowsKept extends Error {
  /** What is said where jobs are kept each time. */
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message, { cause: failure })
    this.failure = failure
  }
}
