import type { Accepted } from '../../../shared/changes/bulk-change.ts'

/** Ends a call whose change goes on without its caller. It is no failure: the caller gets a 202. */
export class AcceptedChange extends Error {
  constructor(readonly accepted: Accepted) {
    super(`operation ${accepted.operation_id} goes on without its caller`)
  }
}
