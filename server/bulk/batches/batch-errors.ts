import { hasCode } from '../../database/errors/error-meanings.ts'
import { isContended, isRejectedByTables, isRowLocked } from '../../database/errors/failure.ts'
import { RangeOutgrown, RowsKept } from '../change/selection.ts'

/** The most errors in a row that a change survives when each of them is a lock conflict, a timeout, or a row that its table keeps. */
const mostFailures = 8

/** The circumstances of an error in a batch. */
export interface ErrorSituation {
  /** How many jobs the batch selected; undefined when the search for candidates failed. */
  jobs: number | undefined
  /** The change goes on without jobs that the database rejects, and reports them. */
  reportsRejected: boolean
  /** How many errors came in a row, this one included. */
  failures: number
}

/** What the batch loop does after an error. */
export type ErrorDecision =
  /** The change ends; whole batches that were committed stand. */
  | { action: 'stop' }
  /** The batch runs again with fewer jobs, after a pause where another transaction needs time. */
  | { action: 'retry'; pause: boolean }
  /** The only job of the batch stays as it is; `rejection` is the reason of the database, where it rejected the job. */
  | { action: 'skip'; rejection?: string }

/**
 * Decides whether a change stops, retries a smaller batch, or skips one job. An error that cannot be traced to a single
 * job makes the batch smaller until the job is alone.
 */
export function decideAfterError(error: unknown, { jobs, reportsRejected, failures }: ErrorSituation): ErrorDecision {
  const isRejected = reportsRejected && jobs !== undefined && isRejectedByTables(error)
  if (jobs === 1 && isRejected) return { action: 'skip', rejection: rejectionOf(error) }
  if (jobs === 1 && isRowLocked(error)) return { action: 'skip' }
  if (isRejected || error instanceof RangeOutgrown) return { action: 'retry', pause: false }
  if (error instanceof RowsKept && failures <= mostFailures) return { action: 'retry', pause: false }
  if (isContended(error) && failures <= mostFailures) return { action: 'retry', pause: true }
  return { action: 'stop' }
}

/** What is said of a job that a unique index or an exclusion constraint rejects. */
export const placeTaken = 'another job has its place in the queue'

function rejectionOf(error: unknown): string {
  if (hasCode(error, ['23505', '23P01'])) return placeTaken
  return error instanceof Error ? error.message : String(error)
}
