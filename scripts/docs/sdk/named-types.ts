import type * as z from 'zod'
import { Token } from '../../../shared/access/tokens.ts'
import { Group, Preview, Progress } from '../../../shared/changes/bulk-change.ts'
import { ListedJob } from '../../../shared/jobs/list.ts'
import { Plan } from '../../../shared/plans/plans.ts'
import { GroupStats } from '../../../shared/queues/stats.ts'
import { JobEvent } from '../../../shared/records/events.ts'
import { Hold } from '../../../shared/records/holds.ts'
import { OperationRecord } from '../../../shared/records/records.ts'
import { Finished } from '../../../shared/work/finish.ts'
import { Job } from '../../../shared/work/job.ts'
import { Renewed } from '../../../shared/work/renew.ts'

/** What several answers have in common, and what it is. */
export const namedTypes: Record<string, { schema: z.ZodType; meaning: string }> = {
  Finished: { schema: Finished, meaning: 'How an attempt ended.' },
  Group: { schema: Group, meaning: 'Jobs of the same domain, queue, job type and status.' },
  GroupStats: { schema: GroupStats, meaning: 'The counts of a domain, queue and job type.' },
  Hold: { schema: Hold, meaning: 'A hold, which keeps jobs until a time.' },
  Job: { schema: Job, meaning: 'A job with the names of its columns. Times are ISO 8601 in UTC.' },
  JobEvent: { schema: JobEvent, meaning: 'A step of a job, or an act of an operator.' },
  ListedJob: { schema: ListedJob, meaning: 'A job of a list.' },
  OperationRecord: { schema: OperationRecord, meaning: 'The record of a change of many jobs, or of an act.' },
  Plan: { schema: Plan, meaning: 'A change that waits for a second person.' },
  Preview: { schema: Preview, meaning: 'What a change would affect.' },
  Progress: { schema: Progress, meaning: 'How far a change of many jobs is.' },
  Renewed: { schema: Renewed, meaning: 'A renewed lease.' },
  Token: { schema: Token, meaning: 'A token without its secret.' },
}
