import type { ShownJob } from '../../../shared/jobs/show.ts'
import { flagWords } from '../../../shared/text/shell.ts'
import { textOf } from './columns.ts'
import { isLeaseOver, isOwn } from './state.ts'

/** What can be done with a job now, as the words of commands of `jobsctl`. */
export function nextSteps(job: ShownJob, domain?: string): string[][] {
  // Another domain may have the same key.
  const id = [String(job.id), ...(domain === undefined ? [] : flagWords('--domain', domain))]
  const operation = textOf(job, 'operation_id')
  if (job.archived) return /^\d+$/.test(operation) ? [['undo', operation, '--dry-run']] : []
  if (job.status === 'queued')
    return [
      ['explain', ...id],
      ['cancel', ...id],
    ]
  // Other engines alone take back their jobs, and some of them end no running one.
  if (job.status === 'processing' && !isOwn(job)) return [['explain', ...id]]
  if (job.status === 'processing') return [isLeaseOver(job) ? ['reclaim', ...id] : ['cancel', ...id]]
  if (job.status === 'quarantined') return [['requeue', String(job.id)]]
  return job.status === 'failed' ? [['retry', ...id]] : []
}
