import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, optional, queryNumber, scopeFields } from '../scope.ts'
import { PathId } from '../work/job.ts'

export const bulkKinds = ['prune', 'sweep', 'requeue', 'integrity', 'undo'] as const
export type BulkKind = (typeof bulkKinds)[number]

/** `partial` stopped half-way: whole batches stand. `failed` changed nothing. */
const states = ['running', 'done', 'partial', 'failed', 'undone'] as const

const time = z.string().nullable()

/** What was changed, by whom, and why. */
export const OperationRecord = z.object({
  id: z.number(),
  kind: z.string(),
  state: z.string(),
  domain: z.string().nullable(),
  queue: z.string().nullable(),
  job_type: z.string().nullable(),
  /** The request as it was understood. */
  filters: z.unknown(),
  /** The reference time that it went by. */
  as_of: z.string(),
  caller: z.string(),
  reason: z.string().nullable(),
  request_id: z.string().nullable(),
  idempotency_key: z.string().nullable(),
  /** What its preview counted, where it went by one. */
  previewed: Count.nullable(),
  affected: Count,
  skipped: Count.nullable(),
  skipped_locked: Count,
  batches: Count,
  /** The counts of its answer, by name. */
  counts: z.record(z.string(), z.number()),
  /** Why it is partial or failed. */
  error: z.string().nullable(),
  started_at: z.string(),
  ended_at: time,
  /** The operation that this one takes back, and the one that took this one back. */
  undoes: z.number().nullable(),
  undone_by: z.number().nullable(),
  /** Its seal, over the record and the seal before it. */
  hash: z.string().nullable(),
})
export type OperationRecord = z.output<typeof OperationRecord>

/** The newest first. */
export const listOperations = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/operations',
  input: z.strictObject({
    ...scopeFields,
    kind: optional(z.enum(bulkKinds, `must be one of ${bulkKinds.join(', ')}`)),
    state: optional(z.enum(states, `must be one of ${states.join(', ')}`)),
    /** Only those before this one, to turn the page. */
    before_id: queryNumber(1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    limit: queryNumber(1, 1000, 50),
  }),
  output: z.array(OperationRecord),
  changes: () => false,
})

export const getOperation = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/operations/:id',
  input: z.strictObject({ id: PathId }),
  output: OperationRecord.extend({
    /** What has become of its jobs: how many are in each state now, `gone` where they are no more. */
    now: z.record(z.string(), Count),
  }),
  changes: () => false,
})

const Day = z.object({
  day: z.string(),
  operations: Count,
  /** Records that are not as they were sealed, or do not follow the one before. */
  broken: z.array(z.number()),
  /** Records that are gone. */
  missing: Count,
})
export type Day = z.output<typeof Day>

/** Whether the records are as they were sealed, day by day. */
export const verifyOperations = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/operations/verify',
  input: z.strictObject({}),
  output: z.object({ ok: z.boolean(), operations: Count, days: z.array(Day) }),
  changes: () => false,
})
