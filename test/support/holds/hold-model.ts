import type { JobRow } from '../database/job-row.ts'

type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value }

/** A job of the model; columns that are not given are null. */
export type ModelJob = Partial<JobRow> & { payload: Value }

/** What the model knows of a job beside its row. */
export interface Known {
  id: number
  /** The operation that archived this copy. */
  operation: number | null
  /** The operations that keep an image of the job. */
  images: readonly number[]
  /** The id of its cluster, if it were a failure. */
  cluster: string
}

/** A hold as it is stored: its filter may be of a later version. */
export type ModelHold = { filter: Record<string, unknown> } | { operation: number } | { ids: readonly number[] }

const text = (name: keyof JobRow) => (value: unknown, job: ModelJob) => job[name] === value
const ended = ({ completed_at, cancelled_at, quarantined_at }: ModelJob) =>
  completed_at ?? cancelled_at ?? quarantined_at ?? null
const isFailure = ({ status, retry_count }: ModelJob) =>
  status === 'failed' || status === 'quarantined' || (status === 'queued' && Number(retry_count ?? 0) > 0)
const isStale = ({ status, leased_until }: ModelJob) =>
  status === 'processing' && (leased_until == null || Date.parse(String(leased_until)) <= Date.now())
const contains = (whole: unknown, part: unknown) =>
  typeof whole === 'string' && whole.toLowerCase().includes(String(part).toLowerCase())

/** The text at a path of a payload, as `#>>` has it. */
function textAt(value: Value | undefined, path: readonly string[]): string | undefined {
  const [name, ...rest] = path
  if (value === undefined || value === null) return undefined
  if (name !== undefined) return textAt(Object.entries(value).find(([known]) => known === name)?.[1], rest)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Whether a job fits a field of a filter. Times are texts of one form. */
export const fields: Readonly<Record<string, (value: unknown, job: ModelJob, known: Known) => boolean>> = {
  domain: text('domain'),
  queue: text('queue'),
  job_type: text('job_type'),
  owner_user_id: text('owner_user_id'),
  batch_group: text('batch_group'),
  worker_id: text('worker_id'),
  error_code: text('error_code'),
  status: (states, { status }) => Array.isArray(states) && states.includes(status),
  error: (part, { error_message, last_error }) => contains(error_message, part) || contains(last_error, part),
  created_after: (time, { created_at }) => String(created_at) >= String(time),
  created_before: (time, { created_at }) => String(created_at) < String(time),
  ended_after: (time, job) => ended(job) !== null && String(ended(job)) >= String(time),
  ended_before: (time, job) => ended(job) !== null && String(ended(job)) < String(time),
  min_retries: (least, { retry_count }) => Number(retry_count) >= Number(least),
  stale: (wanted, job) => isStale(job) === wanted,
  cluster: (id, job, { cluster }) => isFailure(job) && (!String(id).startsWith('v2-') || id === cluster),
  payload: (parts, { payload }) =>
    Array.isArray(parts) && parts.every(({ path, value }) => textAt(payload, path) === value),
}

/** Whether a job fits the filter of a hold. A field that the model does not know narrows nothing. */
const fits = (filter: Record<string, unknown>, job: ModelJob, known: Known): boolean =>
  Object.entries(filter).every(([name, value]) => fields[name]?.(value, job, known) ?? true)

/** The job is one of the hold, or fits its filter. */
const isOver = (hold: ModelHold, job: ModelJob, known: Known): boolean =>
  ('ids' in hold && hold.ids.includes(known.id)) || ('filter' in hold && fits(hold.filter, job, known))

/** Whether the hold keeps a row of `jobs`, its copy in the archive, and its image of an operation. */
export const keeps = {
  job: (hold: ModelHold, job: ModelJob, known: Known): boolean =>
    'operation' in hold ? known.images.includes(hold.operation) : isOver(hold, job, known),
  copy: (hold: ModelHold, job: ModelJob, known: Known): boolean =>
    'operation' in hold ? known.operation === hold.operation : isOver(hold, job, known),
  image: (hold: ModelHold, job: ModelJob, known: Known, operation: number): boolean =>
    'operation' in hold ? operation === hold.operation : isOver(hold, job, known),
}
