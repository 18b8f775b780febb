import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, preset, wholeNumber } from '../scope.ts'
import { JobId } from '../work/job.ts'
import { bulkAnswer } from './bulk-change.ts'
import { documentsOfIds, filteredRequest, spreadSeconds } from './filtered-change.ts'
import { namedAnswer } from './named-ids.ts'
import { refusedAnswer } from './refused.ts'

const flag = z.boolean('must be true or false')

/** How jobs run again, for changes that make jobs runnable. */
export const runAgainFields = {
  with_dependents: preset(flag, true).describe(
    'bring back the jobs that were cancelled because these jobs had ended badly',
  ),
  spread_seconds: spreadSeconds,
}

const runAgainAnswer = {
  dependents: Count.optional().describe('Further jobs that were brought back with these jobs.'),
  job_ids: z.array(JobId).optional().describe('With `limit`: the ids of the jobs.'),
  rest_token: z
    .string()
    .optional()
    .describe('With `limit` and `preview_token`: a token for the other jobs of the preview, where there are any.'),
}
/** What a change answers that makes jobs run again, and can stop after some of them. */
export const JobsRunAgain = z.object({
  affected: Count.describe('How many jobs run again, or would in a dry run.'),
  ...runAgainAnswer,
  ...refusedAnswer,
  ...namedAnswer,
  ...bulkAnswer,
})

export const RetryRequest = filteredRequest({
  ...runAgainFields,
  keep_retries: preset(flag, false).describe(
    'leave the number of retries and the streak of equal failures as they are',
  ),
  with_retries_left: flag
    .optional()
    .describe(
      'takes only failed jobs whose retries are not used up, as the other server does; the default is all failed jobs',
    ),
  only_failed: preset(flag, true).describe('false makes queued jobs due at once, too, that are due later'),
  also_quarantined: preset(flag, false).describe('takes quarantined jobs, too, in the same operation'),
  limit: wholeNumber(1, 1000)
    .optional()
    .describe('retry at most this number; the answer has their ids and a token for the rest'),
})
export type RetryRequest = z.output<typeof RetryRequest>

export const retry = endpoint({
  method: 'POST',
  // The path that the other server has, too, and the one that servers up to 0.2.0 name in plans.
  path: '/api/v1/jobs/retry-now',
  meaning: 'Makes failed jobs run again, and brings back the jobs that were cancelled because of them (`dependents`).',
  needs: 'change',
  scoped: 'narrowed',
  verb: 'retry',
  aliases: ['/api/v1/jobs/batch/retry'],
  preferred: '/api/v1/jobs/batch/retry',
  input: RetryRequest,
  output: JobsRunAgain,
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
