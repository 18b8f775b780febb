import * as z from 'zod'
import { ShownScope } from '../access/token-scope.ts'
import { bulkAnswer, bulkFields, Preview } from '../changes/bulk-change.ts'
import { endpoint } from '../endpoint.ts'
import { Count, optional, queryNumber } from '../scope.ts'
import { PathId } from '../work/job.ts'
import { planStates } from './plan-states.ts'

const text = z.string().nullable()

/** A change of many jobs that waits for a second person. */
export const Plan = z.object({
  id: z.number(),
  state: z.string(),
  kind: z.string(),
  /** The call that the plan makes. */
  path: z.string(),
  domain: text,
  queue: text,
  job_type: text,
  /** What the change is limited to: the scope of its author. Null for none, and for callers of another scope. */
  scope: ShownScope.nullable(),
  /**
   * How many jobs the preview counted, and how many depend on them. Of a policy: how many the first runs change, and of
   * a run that could not be counted in time the `max` of its rule.
   */
  count: Count,
  dependents: Count,
  /** A hash over path, request and preview, made with the plan, which an approval repeats. */
  digest: z.string(),
  reason: z.string(),
  /** The id of the caller who made it, and for whom. Callers that only read get no principal. */
  author: z.string(),
  author_principal: text,
  created_at: z.string(),
  expires_at: z.string(),
  /**
   * How it was decided last; null before that. A plan with `limit` that is `applied` and then `rejected` is not applied to its other jobs.
   */
  decision: z.enum(['approved', 'rejected']).nullable().optional(),
  /** Who approved or rejected it, for whom, why and when. */
  decided_by: text,
  decided_principal: text,
  decided_reason: text,
  decided_at: text,
  /** The operation that applied it. */
  operation_id: z.number().nullable(),
})
export type Plan = z.output<typeof Plan>

export const WholePlan = Plan.extend({
  /** The request of its call. A caller who sees no payloads gets none of what is looked for in payloads and errors. */
  request: z.record(z.string(), z.unknown()),
  /** What the change would touch when the plan was made. */
  preview: Preview.omit({ token: true, owners: true }).loose(),
  /** How many of these jobs it would touch now; null where it cannot be applied, or not be counted, any more. */
  still_matching: Count.nullable(),
  /**
   * Of a plan with `limit`: the operation that applied it to its other jobs; null while none has. Absent from servers that do not tell.
   */
  rest_operation_id: z.number().nullable().optional(),
})
export type WholePlan = z.output<typeof WholePlan>

/** Plans a change of many jobs: previews it, and keeps the preview until another principal decides. */
export const proposePlan = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/plans',
  needs: 'change',
  scoped: 'narrowed',
  input: z.strictObject({
    /** The path of the change, such as `/api/v1/jobs/prune`. */
    path: z.string('must be the path of a change of many jobs').trim().max(200, 'is no path'),
    /** The body of that call; of an undo with the `id` of the operation. */
    request: z.record(z.string(), z.unknown(), 'must be the body of the call'),
  }),
  output: WholePlan,
  changes: () => true,
  unconfirmed: true,
  created: () => true,
})

/** The plans that are kept, the newest first. */
export const listPlans = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/plans',
  needs: 'records',
  scoped: 'narrowed',
  input: z.strictObject({
    state: optional(z.enum(planStates, `must be one of ${planStates.join(', ')}`)),
    limit: queryNumber(1, 1000, 100),
  }),
  output: z.array(Plan),
  changes: () => false,
})

/** One plan with its preview, and how many of its jobs still match. */
export const showPlan = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/plans/:id',
  needs: 'records',
  scoped: 'narrowed',
  input: z.strictObject({ id: PathId }),
  output: WholePlan,
  changes: () => false,
})

const digest = z
  .string('must be the digest of the plan')
  .trim()
  .toLowerCase()
  .regex(/^[0-9a-f]{64}$/, 'must be the digest of the plan, 64 hexadecimal digits')

const decidePlan = (action: 'approve' | 'reject') =>
  endpoint({
    method: 'POST',
    path: `/api/v1/jobs/plans/:id/${action}`,
    needs: 'approve',
    scoped: 'narrowed',
    input: z.strictObject({
      id: PathId,
      /** The digest of the plan as it was read. */
      digest,
    }),
    output: Plan,
    changes: () => true,
    unconfirmed: true,
  })

/** Approves a plan of another principal. */
export const approvePlan = decidePlan('approve')

/** Rejects a plan: of another principal, or its own. */
export const rejectPlan = decidePlan('reject')

/** Applies an approved plan, once: the author or the approver. One with `limit` is applied in two parts. */
export const applyPlan = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/plans/:id/apply',
  needs: 'change',
  scoped: 'narrowed',
  input: z.strictObject({
    id: PathId,
    /** The digest of the plan as it was read; without it, the plan is taken as it is. */
    digest: digest.optional(),
    rate: bulkFields.rate,
    until: bulkFields.until,
    /** Of a plan with `limit`, after its first jobs: the `rest_token` of that answer applies it to the other jobs. */
    rest_token: z.string('must be the rest_token of the first answer').optional(),
  }),
  output: z.looseObject(bulkAnswer),
  changes: () => true,
  bulk: true,
})
