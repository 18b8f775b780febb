import * as z from 'zod'
import type { Answer } from '../../support/http.ts'

/** The paths of the API that both builds have. */
export const paths = {
  jobs: '/api/v1/jobs',
  batch: '/api/v1/jobs/batch',
  acquire: '/api/v1/jobs/acquire',
  job: (id: number, action: 'renew' | 'complete' | 'fail' | 'release') => `/api/v1/jobs/${id}/${action}`,
  queueControl: '/api/v1/jobs/queue/control',
  stats: '/api/v1/jobs/stats',
  counts: '/api/v1/jobs/counts',
  events: '/api/v1/jobs/events',
  prune: '/api/v1/jobs/prune',
  sweep: '/api/v1/jobs/ttl/sweep',
  requeue: '/api/v1/jobs/batch/requeue_quarantined',
  integrity: '/api/v1/jobs/integrity/sweep',
  operations: '/api/v1/jobs/operations',
  operation: (id: number) => `/api/v1/jobs/operations/${id}`,
  undo: (id: number) => `/api/v1/jobs/operations/${id}/undo`,
  verify: '/api/v1/jobs/operations/verify',
}

/**
 * The body of a successful answer, in the fields that `shape` names.
 * @throws Error with the whole answer where its status is 300 or more, or a field is missing
 */
export function bodyOf<Shape extends z.ZodType>(shape: Shape, { status, body }: Answer): z.output<Shape> {
  const read = shape.safeParse(body)
  if (status >= 300 || !read.success) throw new Error(`answered ${status}: ${JSON.stringify(body)}`)
  return read.data
}

const Changed = z.object({
  deleted: z.number().optional(),
  affected: z.number().optional(),
  fixed: z.number().optional(),
  operation_id: z.number().optional(),
  conflict_count: z.number().optional(),
})

/** The result of a bulk change: how many jobs it changed, and the id of its record, which is 0 where it has none. */
export function resultOf(answer: Answer): { affected: number; operation: number; conflicts: number } {
  const { deleted, affected, fixed, operation_id = 0, conflict_count = 0 } = bodyOf(Changed, answer)
  return { affected: deleted ?? fixed ?? affected ?? 0, operation: operation_id, conflicts: conflict_count }
}

const Previewed = z.object({ preview: z.object({ token: z.string(), count: z.number() }) })

/** The preview of a dry run. */
export const previewOf = (answer: Answer): { token: string; count: number } => bodyOf(Previewed, answer).preview

const Refused = z.object({ code: z.string() })

/** The status and the error code of an answer, such as `409 conflict`; the status alone of a success. */
export const codeOf = ({ status, body }: Answer): string =>
  [status, Refused.safeParse(body).data?.code].join(' ').trim()
