import type { ShownJob } from '../../../shared/jobs/show.ts'
import { textOf } from './columns.ts'
import { isLeaseOver } from './state.ts'

/** What can be done with a job now, as the words of commands of `jobsctl`. */
export function nextSteps(job: ShownJob): string[][] {
  const id = String(job.id)
  const operation = textOf(job, 'operation_id')
  if (job.archived) return /^\d+$/.test(operation) ? [['undo', operation, '--dry-run']] : []
  if (job.status === 'queued')
    return [
      ['explain', id],
      ['cancel', id],
    ]
  if (job.status === 'processing') return [isLeaseOver(job) ? ['reclaim', id] : ['cancel', id]]
  if (job.status === 'quarantined') return [['requeue', id]]
  return job.status === 'failed' ? [['retry', id]] : []
}
