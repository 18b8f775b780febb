import type { FilterField } from '../../parts/filter.tsx'

/** A field of the filter with its flag of the command line. */
export interface FlagField extends FilterField {
  flag: string
}

export const jobStates = ['queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined'] as const

/** The filter of lists and changes, with the words of the flags. */
export const filterFields: readonly FlagField[] = [
  { name: 'domain', flag: '--domain', label: 'Domain' },
  { name: 'queue', flag: '--queue', label: 'Queue' },
  { name: 'job_type', flag: '--job-type', label: 'Job type' },
  { name: 'status', flag: '--status', label: 'Status', example: 'failed,quarantined' },
  { name: 'owner_user_id', flag: '--owner', label: 'Owner' },
  { name: 'batch_group', flag: '--batch', label: 'Batch group' },
  { name: 'worker_id', flag: '--worker', label: 'Worker' },
  { name: 'error_code', flag: '--error-code', label: 'Error code' },
  { name: 'error', flag: '--error', label: 'Error has the text' },
  { name: 'cluster', flag: '--cluster', label: 'Cluster', example: 'v1-0123456789ab' },
  { name: 'min_retries', flag: '--min-retries', label: 'Retried at least', example: '3' },
  { name: 'stale', flag: '--stale', label: 'Lease has expired', words: ['true', 'false'] },
  { name: 'created_after', flag: '--created-after', label: 'Created from', example: '2h, 2026-01-31 or mark:deploy' },
  {
    name: 'created_before',
    flag: '--created-before',
    label: 'Created before',
    example: '2h, 2026-01-31 or mark:deploy',
  },
  { name: 'ended_after', flag: '--ended-after', label: 'Ended from', example: '2h, 2026-01-31 or mark:deploy' },
  { name: 'ended_before', flag: '--ended-before', label: 'Ended before', example: '2h, 2026-01-31 or mark:deploy' },
  { name: 'ids', flag: '--ids', label: 'Ids', example: '8123,8124' },
]

/** The fields of the filter that are times. */
export const timeFields = ['created_after', 'created_before', 'ended_after', 'ended_before'] as const

const names = new Set(filterFields.map(({ name }) => name))

/** True for a field of the filter, such as `payload.user.id` and `domain`. */
export const isFilterField = (name: string): boolean => names.has(name) || name.startsWith('payload.')

/** The fields of the filter in the query of a screen. */
export const filterIn = (query: URLSearchParams): Record<string, string> =>
  Object.fromEntries([...query].filter(([name, value]) => isFilterField(name) && value !== ''))
