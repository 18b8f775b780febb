import type { ShownJob } from '../../../shared/jobs/show.ts'

/** A column of a job as text, empty for null. Other programs may have made the column with any type, or not at all. */
export function textOf(job: ShownJob, column: string): string {
  const value = job[column]
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** The time of a column in milliseconds; undefined for a job without it. */
export function timeOf(job: ShownJob, column: string): number | undefined {
  const at = Date.parse(textOf(job, column))
  return Number.isNaN(at) ? undefined : at
}

/** The dependencies of a job that are not completed: the job waits for them. */
export const unmetOf = ({ dependencies }: ShownJob) =>
  (dependencies?.depends_on ?? []).filter(
    ({ status, archived }) => status !== null && status !== 'completed' && !archived,
  )
