import { isDeepStrictEqual } from 'node:util'
import { scopeText } from '../../../shared/access/token-scope.ts'
import { Failure } from '../../../shared/errors.ts'
import { applyPlan as endpoint } from '../../../shared/plans/plans.ts'
import { requireElsewhere } from '../../auth/agents/elsewhere.ts'
import type { ApprovedPlan, Commission, Done } from '../../bulk/change/commission.ts'
import type { Acting, Call } from '../../call.ts'
import { readOrigin } from '../../database/installation/origin.ts'
import type { InputOf, OutputOf } from '../handlers.ts'
import { personOfPlan } from './agent-plans.ts'
import { requireDigest } from './decide.ts'
import { byPlan, findPlan, type PlanRow, parsedRequest, requireState, scopeOfPlan, type WholeRow } from './plan-row.ts'
import { makePlanned, policyPath, refused } from './plannable.ts'
import { applyPolicyPlan, policyReplay } from './policy-plan.ts'

/**
 * Applies an approved plan by the endpoint of its change, bound to the set of its preview. That no two calls apply it is what holds for
 * every preview: one operation uses it.
 * @throws Failure `not_found`; `forbidden` for another principal than the author's and the approver's; `approval_required`, `conflict` and
 *   `preview_stale` by its state; others as the change
 */
export async function applyPlan(
  call: Call,
  { id, digest, rate, until, rest_token }: InputOf<'applyPlan'>,
): Promise<Done<OutputOf<'applyPlan'>>> {
  const row = await findPlan(call.sql, id, call)
  if (digest !== undefined) requireDigest(row, digest)
  requireOwn(call, row)
  await requireElsewhere(call.sql, call, row)
  requireSameScope(call, row)
  const isPolicy = row.path === policyPath
  if (isPolicy) refuseOfJobs({ rate, until, rest_token })
  // A request that is sent again gets its first answer, whatever became of the plan since then.
  const first = isPolicy ? await policyReplay(call, row.preview_id) : undefined
  if (first) return { answer: first }
  const isSentAgain = !isPolicy && (await isReplay(call, row, rest_token))
  // The rest of a plan is applied after its first jobs.
  const decided = rest_token === undefined ? row : { ...row, operation_id: null }
  // Whether the change of an agent needs an approval is asked as of any change of its person.
  const wanted = row.agent === null ? (['approved'] as const) : (['approved', 'waiting'] as const)
  if (!isSentAgain) requireState(decided, await readOrigin(call.sql), ...wanted)
  const approved = approvalOf(row)
  if (isPolicy && approved) {
    const sent = parsedRequest(row)
    return {
      answer: await applyPolicyPlan({ ...call, reason: row.reason }, { sent, previewId: row.preview_id, approved }),
    }
  }
  const request = {
    ...(rest_token === undefined ? parsedRequest(row) : restOf(row)),
    preview_token: rest_token ?? row.token,
    ...(rate !== undefined && { rate }),
    ...(until !== undefined && { until }),
  }
  const applying: Commission = {
    ...byPlan(call, row),
    reason: row.reason,
    approved,
    detach: call.detach && { path: row.path, input: request },
  }
  const done = await makePlanned(call, applying, { path: row.path, request })
  return 'accepted' in done ? done : { answer: endpoint.output.parse(done.answer) }
}

/** @throws Failure `invalid_request` for what belongs to changes of jobs, in a request that applies a policy */
function refuseOfJobs(given: Readonly<Record<string, unknown>>): void {
  const faults = Object.entries(given).flatMap(([path, value]) =>
    value === undefined ? [] : [{ path, message: 'belongs to changes of jobs, and this plan applies a policy' }],
  )
  if (faults.length > 0) throw refused(faults)
}

/**
 * Whether this request applied the plan before: the engine then finds the first answer by its idempotency key, or refuses another request.
 * A record of the rest that has changed no job yet may still be deleted, and does not count.
 */
async function isReplay(call: Call, row: PlanRow, rest_token: string | undefined): Promise<boolean> {
  const { sql, caller, formerCaller = caller, idempotencyKey } = call
  if (idempotencyKey === undefined || row.operation_id === null) return false
  const isOfThis =
    rest_token === undefined
      ? sql`id = ${row.operation_id}`
      : sql`filters #>> '{approval,plan}' = ${String(row.id)} and (state <> 'running' or affected > 0)`
  const { count } = await sql`
    select from job_operations
    where caller in (${caller}, ${formerCaller}) and idempotency_key = ${idempotencyKey} and ${isOfThis}`
  return count > 0
}

/** @throws Failure `forbidden` */
function requireOwn({ identity: { principal } }: Pick<Acting, 'identity'>, row: PlanRow): void {
  const author = personOfPlan(row)
  if (principal === author || principal === row.decided_principal) return
  const approver = row.decided_principal === null ? 'its approver' : `its approver ${row.decided_principal}`
  throw new Failure(
    'forbidden',
    `plan ${row.id} is applied by its author ${author} or ${approver}; nothing was changed`,
    {
      hint: `ask one of them: jobsctl apply ${row.id}`,
    },
  )
}

/**
 * Refuses who has another scope than the author of the plan, and could change more, or less, than the plan says.
 * @throws Failure `forbidden` for a caller that has another scope; `preview_stale` for a scope that this version does not know
 */
function requireSameScope({ within, identity, caller }: Acting, row: PlanRow): void {
  const ofPlan = scopeOfPlan(row)
  if (within === undefined || isDeepStrictEqual(within, ofPlan)) return
  throw new Failure(
    'forbidden',
    `plan ${row.id} was made ${ofPlan ? 'under another scope' : 'without a scope'}, and the token ${identity.name} (${caller}) is limited to ${scopeText(within)}; nothing was changed`,
    {
      hint: ofPlan
        ? 'a token with the scope of the plan applies it, or one without a scope; or plan it again'
        : 'a token without a scope applies it; or plan it again',
    },
  )
}

/** The request of the jobs that a plan with `limit` leaves. @throws Failure `invalid_request` for a plan without one */
function restOf(row: WholeRow): Record<string, unknown> {
  const { limit, ...request } = parsedRequest(row)
  if (limit !== undefined) return request
  throw refused([{ path: 'rest_token', message: 'belongs to a plan with limit, and this one has none' }])
}

function approvalOf({
  id,
  digest,
  caller,
  principal,
  decided_by,
  decided_principal,
}: PlanRow): ApprovedPlan | undefined {
  if (decided_by === null || decided_principal === null) return undefined
  const principals = { author: principal, approver: decided_principal }
  return { plan: id, digest, author: caller, approver: decided_by, principals }
}
