import * as z from 'zod'
import { ShownScope } from '../access/token-scope.ts'
import { bulkAnswer, bulkFields, Preview } from '../changes/bulk-change.ts'
import { edit } from '../changes/edit.ts'
import { bulkKinds } from '../changes/kinds.ts'
import { endpoint } from '../endpoint.ts'
import { Count, Instant, Integer, optional, queryNumber, scopeNames } from '../scope.ts'
import { PathId } from '../work/job.ts'
import { planStates, plansPath } from './plan-states.ts'

const text = z.string().nullable()

/** A change of many jobs that waits for a second person. */
export const Plan = z.object({
  id: Integer.describe('The id of the plan.'),
  state: z
    .string()
    .meta({ enum: [...planStates] })
    .describe('Where the plan stands.'),
  kind: z
    .string()
    .meta({ enum: [...bulkKinds] })
    .describe('What the change does.'),
  path: z.string().describe('The call that the plan makes.'),
  ...scopeNames,
  scope: ShownScope.nullable().describe(
    'What the change is limited to: the scope of its author. Null for none, and for callers of another scope.',
  ),
  count: Count.describe(
    'How many jobs the preview counted, and how many depend on them. Of a policy: how many the first runs change, and of a run that could not be counted in time the `max` of its rule.',
  ),
  dependents: Count.describe('How many further jobs depend on them.'),
  digest: z.string().describe('A hash over path, request and preview, made with the plan, which an approval repeats.'),
  reason: z.string().describe('Why the author wants the change.'),
  author: z
    .string()
    .describe('The id of the caller who made it, and for whom. Callers that only read get no principal.'),
  author_principal: text.describe('Whom the token of the author is for; null to callers that only read.'),
  created_at: Instant.describe('When the plan was made.'),
  expires_at: Instant.describe('Until when the plan can be decided and applied.'),
  decision: z
    .enum(['approved', 'rejected'])
    .nullable()
    .optional()
    .describe(
      'How it was decided last; null before that. A plan with `limit` that is `applied` and then `rejected` is not applied to its other jobs.',
    ),
  decided_by: text.describe('Who approved or rejected it, for whom, why and when.'),
  decided_principal: text.describe(
    'Whom the token of that caller is for; null before that, and to callers that only read.',
  ),
  decided_reason: text.describe('Why it was decided so; null where no reason was given.'),
  decided_at: Instant.nullable().describe('When it was decided; null before that.'),
  operation_id: Integer.nullable().describe('The operation that applied it.'),
  agent: z
    .object({
      name: text.describe('Its name. Callers that only read get none.'),
      of: text.describe('The person whose agent it is. Callers that only read get none.'),
      client: text.describe('What the program said that it is, such as `desk-client 1.2`.'),
      session: text.describe('Names its session; null for a token with the role agent.'),
    })
    .nullable()
    .optional()
    .describe(
      'The agent that proposed it: its person, or who approves it, decides elsewhere than with the key of the agent. Null for a plan of a person. Servers up to 0.2.0 do not send it.',
    ),
})
export type Plan = z.output<typeof Plan>

/** The preview of a plan: nobody makes the change with it but by the plan. */
export const PlannedPreview = Preview.omit({ token: true, owners: true }).loose()

export const WholePlan = Plan.extend({
  request: z
    .record(z.string(), z.unknown())
    .describe(
      'The request of its call. A caller who sees no payloads gets none of what is looked for in payloads and errors.',
    ),
  preview: PlannedPreview.describe('What the change would touch when the plan was made.'),
  still_matching: Count.nullable().describe(
    'How many of these jobs it would touch now; null where it cannot be applied, or not be counted, any more.',
  ),
  evidence: z
    .array(
      z.object({
        at: Instant.describe('When it called.'),
        tool: z.string().describe('The name of the tool, or the method and path of a call over HTTP.'),
        filter: z.string().describe('What it asked, as JSON.'),
        rows: Count.describe('The number of rows that it got.'),
        fields: z.array(z.string()).describe('The fields of the rows that it got.'),
        failed: text.describe('The code of the error; null where it got an answer.'),
      }),
    )
    .optional()
    .describe(
      'The last 20 calls of the agent before it proposed the plan, the newest first, as the server saw them. Absent for a plan of a person, and from servers up to 0.2.0.',
    ),
  rest_operation_id: Integer.nullable()
    .optional()
    .describe(
      'Of a plan with `limit`: the operation that applied it to its other jobs; null while none has. Absent from servers that do not tell.',
    ),
})
export type WholePlan = z.output<typeof WholePlan>

const digest = z
  .string('must be the digest of the plan')
  .trim()
  .toLowerCase()
  .regex(/^[0-9a-f]{64}$/, 'must be the digest of the plan, 64 hexadecimal digits')

const Planned = z.strictObject({
  path: z
    .string('must be the path of a change of many jobs')
    .trim()
    .max(200, 'is no path')
    .describe('the path of the change, such as `/api/v1/jobs/prune`'),
  request: z
    .record(z.string(), z.unknown(), 'must be the body of the call')
    .describe('the body of that call; of an undo with the `id` of the operation'),
})

const needsForPlan = ({ path }: z.output<typeof Planned>) => (path === edit.path ? edit.needs : undefined)

export const proposePlan = endpoint({
  method: 'POST',
  path: plansPath,
  meaning:
    'Plans a change of many jobs: previews it, and keeps the preview for 72 hours (`JOBS_PLAN_HOURS`) until another principal decides; that of an agent until its person does. Needs `X-Reason`. 409 `conflict` where no job matches, where 20 plans of the principal or 100 in all are open, and in single-user mode; for an agent where 3 of its plans wait or 50 were made in 24 hours, and for a day where somebody has rejected the same change.',
  needs: 'propose',
  scoped: 'narrowed',
  verb: 'plans',
  input: Planned.extend({
    digest: digest
      .optional()
      .describe('`digest` of the preview of this change: 409 `preview_stale` where its counts are others by now'),
  }),
  needsFor: needsForPlan,
  output: WholePlan,
  changes: () => true,
  unconfirmed: true,
  byAgents: true,
  created: () => true,
})

export const previewPlan = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/plans/preview',
  meaning: 'Previews a change of many jobs as its plan would have it, and keeps nothing: the preview has no token.',
  needs: 'propose',
  scoped: 'narrowed',
  verb: 'plans',
  input: Planned,
  needsFor: needsForPlan,
  output: z.object({
    path: z.string().describe('The path of the change.'),
    kind: z
      .string()
      .meta({ enum: [...bulkKinds] })
      .describe('The kind of the change.'),
    preview: PlannedPreview.describe('What the change would touch now.'),
    digest: z
      .string()
      .optional()
      .describe(
        'A digest of the change and its counts, which `POST /api/v1/jobs/plans` takes. The plan has a digest of its own. Absent from servers that do not tell.',
      ),
  }),
  changes: () => false,
})

export const listPlans = endpoint({
  method: 'GET',
  path: plansPath,
  meaning: 'The plans that are kept, the newest first. A plan is deleted 7 days after its term.',
  needs: 'records',
  scoped: 'narrowed',
  verb: 'plans',
  input: z.strictObject({
    state: optional(z.enum(planStates, `must be one of ${planStates.join(', ')}`)).describe('only plans in this state'),
    limit: queryNumber(1, 1000, 100).describe('at most this many'),
  }),
  output: z.array(Plan),
  changes: () => false,
})

export const showPlan = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/plans/:id',
  meaning: 'One plan with its preview, and how many of its jobs still match.',
  needs: 'records',
  scoped: 'narrowed',
  verb: 'plans',
  input: z.strictObject({ id: PathId.describe('the id of the plan') }),
  output: WholePlan,
  changes: () => false,
})

const decidePlan = (action: 'approve' | 'reject') =>
  ({
    method: 'POST',
    path: `/api/v1/jobs/plans/:id/${action}`,
    needs: 'approve',
    scoped: 'narrowed',
    verb: 'plans',
    input: z.strictObject({
      id: PathId.describe('the id of the plan'),
      digest: digest.describe('the `digest` of the plan as it was read'),
    }),
    output: Plan,
    changes: () => true,
    unconfirmed: true,
  }) as const

export const approvePlan = endpoint({
  ...decidePlan('approve'),
  meaning:
    'Approves a plan. 403 `forbidden` for the principal of its author, and where one person may know the secrets of both tokens, since it made or rotated them (`secrets_by`); 403 `decide_elsewhere` for the plan of an agent with what its program may hold: its key, a token that this one made, or a session of a browser that one of them opened; 409 `conflict` for another digest, or a plan that somebody has decided.',
})

export const rejectPlan = endpoint({
  ...decidePlan('reject'),
  needsForOwn: 'propose',
  byAgents: true,
  meaning:
    'Rejects a plan, also one that is approved, withdrawn or stale. 409 `conflict` for another digest, or a plan that was rejected or applied; 409 `preview_stale` for one that has expired. Without `approve`: a plan of the own principal, or of its agent; an agent its own.',
})

export const applyPlan = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/plans/:id/apply',
  meaning:
    'Applies an approved plan, once, to the jobs of its preview: by the principal of its author or of its approver. The plan of an agent is applied by its person, without an approval where its change needs none, and never with what its program may hold (403 `decide_elsewhere`). 403 `approval_required` while nobody has approved it, 409 `conflict` for one that was rejected or applied. 409 `preview_stale` for one that has expired, after a restore or failover, and where the token of its author or its approver was revoked, or one of them blocked. A plan with `limit` is applied in two parts, the second by `rest_token`.',
  needs: 'change',
  scoped: 'narrowed',
  verb: 'plans',
  input: z.strictObject({
    id: PathId.describe('the id of the plan'),
    digest: digest
      .optional()
      .describe('the `digest` of the plan as it was read; without it, the plan is taken as it is'),
    rate: bulkFields.rate,
    until: bulkFields.until,
    rest_token: z
      .string('must be the rest_token of the first answer')
      .optional()
      .describe(
        'of a plan with `limit`, after its first jobs: the `rest_token` of that answer applies the plan to the other jobs',
      ),
  }),
  output: z.looseObject(bulkAnswer),
  changes: () => true,
  bulk: true,
})
