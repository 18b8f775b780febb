import type { ListedJob } from './job-table.tsx'

const columns = [
  ...(['id', 'uuid', 'status', 'native_state', 'domain', 'queue', 'job_type', 'error_code', 'error_message'] as const),
  ...(['retry_count', 'max_retries', 'priority', 'worker_id', 'owner_user_id', 'batch_group', 'created_at'] as const),
  ...(['available_at', 'acquired_at', 'started_at', 'leased_until', 'completed_at', 'updated_at'] as const),
  'cancellation_reason',
] as const

/** A cell of CSV (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe, which the spreadsheet shows as text. */
function cellOf(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const csvOf = (jobs: readonly ListedJob[]): string =>
  [columns, ...jobs.map((job) => columns.map((name) => cellOf(job[name])))]
    .map((cells) => `${cells.join(',')}\r\n`)
    .join('')

export const ndjsonOf = (jobs: readonly ListedJob[]): string => jobs.map((job) => `${JSON.stringify(job)}\n`).join('')

/** Hands a text to the browser as a file. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
