import type { ShownJob } from '../../../shared/jobs/show.ts'
import { flagWords } from '../../../shared/text/shell.ts'
import { textOf } from './columns.ts'
import { isLeaseOver } from './state.ts'

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
  // Jobs of other engines, whose ids are texts, are taken back by these alone.
  if (job.status === 'processing' && isLeaseOver(job) && typeof job.id === 'string') return []
  if (job.status === 'processing') return [isLeaseOver(job) ? ['reclaim', ...id] : ['cancel', ...id]]
  if (job.status === 'quarantined') return [['requeue', String(job.id)]]
  return job.status === 'failed' ? [['retry', ...id]] : []
}
