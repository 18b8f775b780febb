import { randomUUID } from 'node:crypto'
import type * as z from 'zod'
import { Failure } from '../../../shared/errors.ts'
import { faultsOf } from '../../../shared/faults.ts'
import { applyPolicy as endpoint, type FirstRun } from '../../../shared/policy/policy.ts'
import { requireFreshLogin } from '../../auth/require-fresh-login.ts'
import { requireRight } from '../../auth/require-right.ts'
import type { ApprovedPlan } from '../../bulk/change/commission.ts'
import { holdApproval } from '../../bulk/record/approved-plan.ts'
import type { Call } from '../../call.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import type { Sql } from '../../database/sql.ts'
import { previewPolicy, writePolicy } from '../policy/apply-policy.ts'
import { findAuthor } from '../policy/author.ts'
import { showPolicy } from '../policy/read-policy.ts'
import { type PlannedPreview, refused } from './plannable.ts'

/** The policy that a plan applies. */
const PolicyRequest = endpoint.input.pick({ rules: true, revision: true })
type PolicyRequest = z.output<typeof PolicyRequest>

/**
 * Previews a policy for a plan: what the first run of each rule would change now.
 * @throws Failure `forbidden` for a caller who may not apply it; `invalid_request`; `conflict` for another revision, and where it is applied
 */
export async function planPolicy(call: Call, sent: unknown): Promise<PlannedPreview> {
  requireGovern(call)
  await findAuthor(call, call.caller)
  const { would_change, first_runs = [] } = await previewPolicy(call, parsed(sent))
  if (!would_change) throw new Failure('conflict', 'this policy is applied; no plan was made')
  const [{ as_of, expires_at, seen }] = await call.sql<[{ as_of: string; expires_at: string; seen: string }]>`
    select now() as as_of, now() + ${call.planHours}::int * interval '1 hour' as expires_at, pg_current_snapshot()::text as seen`
  const nothing = { groups: [], oldest: null, newest: null, bytes_estimate: 0, sample_ids: [], eta_seconds: 0 }
  const preview = { as_of, expires_at, count: mostJobsOf(first_runs), ...nothing, first_runs }
  const previewId = `policy ${randomUUID()}`
  return { preview, token: previewId, previewId, kind: 'policy', seen }
}

/** How many jobs the first runs would change now; null where the policy of the plan cannot be applied, or not be counted, any more. */
export async function countPolicy(call: Call, sent: unknown): Promise<number | null> {
  try {
    const { first_runs = [] } = await previewPolicy(call, parsed(sent))
    return isCounted(first_runs) ? mostJobsOf(first_runs) : null
  } catch (error) {
    if (error instanceof Failure && ['conflict', 'not_supported'].includes(error.code)) return null
    throw error
  }
}

const isCounted = (runs: readonly FirstRun[]): boolean =>
  runs.every(({ would_change, at_most }) => would_change === at_most)

/** How many jobs the first runs change at most: one that was not counted in time, as many as its rule allows. */
const mostJobsOf = (runs: readonly FirstRun[]): number => runs.reduce((sum, { at_most = 0 }) => sum + at_most, 0)

interface PolicyPlan {
  sent: unknown
  previewId: string
  approved: ApprovedPlan
}

/**
 * The answer to a request that applied a policy before, under the same idempotency key.
 * @returns undefined for a request without a key, and for a new key
 * @throws Failure `conflict` for the key of another request
 */
export async function policyReplay(call: Call, previewId: string) {
  const { sql, caller, idempotencyKey } = call
  if (idempotencyKey === undefined) return undefined
  const [first] = await sql<{ id: number; is_same: boolean }[]>`
    select id, preview_id is not distinct from ${previewId} as is_same
    from job_operations
    where caller = ${caller} and idempotency_key = ${idempotencyKey}`
  if (!first) return undefined
  if (first.is_same) return { ...(await showPolicy(call)), operation_id: first.id }
  throw new Failure(
    'conflict',
    `this Idempotency-Key belongs to another request (operation ${first.id}); nothing was changed`,
    { hint: 'a new request needs a new key' },
  )
}

/**
 * Applies an approved policy with the rights of this caller. Its runs need no approval.
 * @throws Failure `forbidden`, `login_too_old`; `conflict` for another revision, and where somebody has rejected or applied the plan meanwhile; `frozen`
 */
export async function applyPolicyPlan(call: Call, { sent, previewId, approved }: PolicyPlan) {
  requireGovern(call)
  requireFreshLogin(callerOf(call), 'govern')
  await findAuthor(call, call.caller)
  await unlessFrozen(call.sql, async (tx) => {
    await holdApproval(tx, approved)
    await writePolicy(tx, call, parsed(sent), { previewId, approved })
  })
  return { ...(await showPolicy(call)), operation_id: await operationOf(call.sql, previewId) }
}

async function operationOf(sql: Sql, previewId: string): Promise<number> {
  const [{ id }] = await sql<[{ id: number }]>`select id from job_operations where preview_id = ${previewId}`
  return id
}

const requireGovern = (call: Call) => requireRight(callerOf(call), 'govern')

const callerOf = ({ caller: id, identity, may, session }: Pick<Call, 'caller' | 'identity' | 'may' | 'session'>) => ({
  ...identity,
  id,
  may,
  ...(session && { session }),
})

function parsed(sent: unknown): PolicyRequest {
  const request = PolicyRequest.safeParse(sent)
  if (request.success) return request.data
  throw refused(faultsOf(request.error).map(({ path, message }) => ({ path: `request.${path}`, message })))
}
