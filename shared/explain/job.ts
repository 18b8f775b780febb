import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Domain, Instant, Integer, optional } from '../scope.ts'
import { JobId, TypedJobId } from '../work/job.ts'
import { Reason } from './reason.ts'

const PositionInLine = z.object({
  ahead: Integer.describe('The due jobs of the queue that are taken before this job, at most 10,000.'),
  exact: z.boolean().describe('False where there are more than 10,000.'),
  sentence: z.string().describe('The position, as a sentence.'),
})

const ExplainedJob = z.object({
  id: JobId.describe('The id of the job.'),
  domain: z.string().nullable().describe('The domain of the job.'),
  queue: z.string().nullable().describe('The queue of the job.'),
  job_type: z.string().nullable().describe('The type of the job.'),
  status: z.string().nullable().describe('The state of the job.'),
  archived: z.boolean().describe('True for a job that is in the archive.'),
  as_of: Instant.describe('The time of the answer.'),
  sentence: z.string().describe('The state of the job, which the reasons follow.'),
  reasons: z.array(Reason).describe('Why the job does not run; empty where nothing keeps it.'),
  place: PositionInLine.nullable().describe(
    'The position in line that the job has once nothing keeps it; null for a job that is not queued.',
  ),
})
export type JobExplanation = z.output<typeof ExplainedJob>

export const explainJob = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/:id/explain',
  aliases: ['/api/v1/jobs/job/explain'],
  keyed: '/api/v1/jobs/job/explain',
  meaning:
    'Every reason at once why a job does not run, each with its facts, one sentence, and the call that removes it (`remedy`); and its place in line, exact up to 10,000.',
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  verb: 'explain',
  input: z.strictObject({
    id: TypedJobId.describe('the id of the job'),
    domain: optional(Domain),
  }),
  output: ExplainedJob,
  changes: () => false,
})
