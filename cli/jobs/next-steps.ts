import type { ShownJob } from '../../shared/jobs/show.ts'
import { scopeWords } from '../settings/scope-flags.ts'
import { textOf } from './columns.ts'
import { isLeaseOver } from './state.ts'

/** What can be done with a job now, as the words of commands of `jobsctl`. */
export function nextSteps(job: ShownJob): string[][] {
  const { id, domain, queue, job_type, status, archived } = job
  const operation = textOf(job, 'operation_id')
  if (archived) return /^\d+$/.test(operation) ? [['undo', operation, '--dry-run']] : []
  if (status === 'quarantined') return [['requeue', String(id)]]
  if (isLeaseOver(job) && domain !== null && queue !== null && job_type !== null) {
    return [['integrity', '--fix', ...scopeWords({ domain, queue, job_type })]]
  }
  return []
}
