import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, preset, wholeNumber } from '../scope.ts'
import { bulkAnswer } from './bulk-change.ts'
import { documentsOfIds, filteredRequest, spreadSeconds } from './filtered-change.ts'
import { namedAnswer } from './named-ids.ts'

const flag = z.boolean('must be true or false')

/** How jobs run again, for changes that make jobs runnable. */
export const runAgainFields = {
  /** Brings back the jobs that were cancelled because these jobs had ended badly. */
  with_dependents: preset(flag, true),
  /** Spreads the jobs evenly over this time from now on; absent means that all are due at once. */
  spread_seconds: spreadSeconds,
}

/** What a change answers that can stop after some jobs. */
export const runAgainAnswer = {
  /** Further jobs that were brought back with these jobs. */
  dependents: Count.optional(),
  /** With `limit`: the ids of the jobs. */
  job_ids: z.array(z.number()).optional(),
  /** With `limit` and `preview_token`: a token for the other jobs of the preview, where there are any. */
  rest_token: z.string().optional(),
}

export const RetryRequest = filteredRequest({
  ...runAgainFields,
  /** Keeps the number of retries and the streak of equal failures, which otherwise start at 0. */
  keep_retries: preset(flag, false),
  /** Takes only failed jobs that have retries left, as the other server does; the default is all failed jobs. */
  with_retries_left: flag.optional(),
  /** False makes queued jobs due at once, too, when they are due later. */
  only_failed: preset(flag, true),
  /** Takes quarantined jobs, too, as a requeue does: one change, one record, one undo. */
  also_quarantined: preset(flag, false),
  /** Retries at most this many jobs: the answer lists their ids and has a token for the other jobs. */
  limit: wholeNumber(1, 1000).optional(),
})
export type RetryRequest = z.output<typeof RetryRequest>

/** Makes failed jobs run again. */
export const retry = endpoint({
  method: 'POST',
  // The path that the other server has, too, and the one that servers up to 0.2.0 name in plans.
  path: '/api/v1/jobs/retry-now',
  needs: 'change',
  scoped: 'narrowed',
  aliases: ['/api/v1/jobs/batch/retry'],
  preferred: '/api/v1/jobs/batch/retry',
  input: RetryRequest,
  output: z.object({ affected: Count, ...runAgainAnswer, ...namedAnswer, ...bulkAnswer }),
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
