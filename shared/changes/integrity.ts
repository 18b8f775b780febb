import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { jobFilterFields } from '../jobs/job-filter.ts'
import { Count, scopeFields } from '../scope.ts'
import { JobId } from '../work/job.ts'
import { bulkAnswer, bulkFields } from './bulk-change.ts'
import { documentsOfIds, fieldsBesideScope, prepareFilter } from './filtered-change.ts'
import { refusedAnswer } from './refused.ts'

export const IntegrityRequest = z.preprocess(
  prepareFilter,
  z.strictObject({
    fix: z.boolean('must be true or false').default(false).describe('repair, and not only count'),
    ...scopeFields,
    status: jobFilterFields.status,
    ...fieldsBesideScope,
    max: bulkFields.max,
    preview_token: bulkFields.preview_token,
    rate: bulkFields.rate,
    until: bulkFields.until,
  }),
)
export type IntegrityRequest = z.output<typeof IntegrityRequest>

/** What is wrong with jobs of another engine than our own. */
export const EngineCheckResult = z.object({
  check: z.string().describe('The name of the check.'),
  domain: z.string().describe('The domain of the jobs.'),
  title: z.string().describe('What is wrong with a job, as a part of a sentence about it.'),
  jobs: Count.nullable().describe('Null where the search took longer than a statement may take.'),
  at_least: z
    .boolean()
    .describe('True where not all jobs were compared, or more than 10,000 are so: there may be more.'),
  ids: z.array(JobId).describe('The keys of 20 of them at most.'),
  instead: z.string().describe('What to do about them.'),
})
export type EngineCheckResult = z.output<typeof EngineCheckResult>

export const IntegrityResult = z.object({
  non_processing_with_lease: Count.describe(
    'Jobs that are not processing but have a lease, and queued jobs with a lease id or a worker.',
  ),
  processing_expired: Count.describe('Processing jobs whose lease has expired or is missing.'),
  fixed: Count.describe('How many jobs were repaired, or would be in a dry run.'),
  checks: z
    .array(EngineCheckResult)
    .optional()
    .describe(
      'Over another engine than our own: all of its checks. There is a preview, too, where the engine lets jobs be repaired.',
    ),
  ...bulkAnswer,
  ...refusedAnswer,
})
export type IntegrityResult = z.output<typeof IntegrityResult>

export const integrity = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/integrity/sweep',
  meaning:
    'Counts jobs that break an invariant. With `fix`, repairs them. Over another engine than our own it counts what keeps jobs from going on (`checks`), and `fix` frees the jobs of workers that are gone, where the engine has such.',
  needs: 'change',
  scoped: 'narrowed',
  verb: ({ fix }) => (fix ? ['integrity_fix'] : ['integrity']),
  input: IntegrityRequest,
  output: IntegrityResult,
  changes: (request) => request.fix,
  bulk: true,
  unconfirmed: true,
  documents: documentsOfIds,
})
