import type { z } from 'zod'
import { Failure } from '../../../shared/errors.ts'
import { applyPlan as endpoint } from '../../../shared/plans/plans.ts'
import type { ApprovedPlan, Call } from '../../call.ts'
import { readOrigin } from '../../database/installation/origin.ts'
import { requireDigest } from './decide.ts'
import { bindingOf, findPlan, type PlanRow, requireState } from './plan-row.ts'
import { makeCall } from './plannable.ts'
import { parsedRequest } from './read.ts'

/**
 * Applies an approved plan by the endpoint of its change, bound to the set of its preview. That no two calls apply it is what holds for
 * every preview: one operation uses it.
 * @throws Failure `not_found`; `forbidden` for another principal than the author's and the approver's; `approval_required`, `conflict` and
 *   `preview_stale` by its state; others as the change
 */
export async function applyPlan(
  call: Call,
  { id, digest, rate, until }: z.output<typeof endpoint.input>,
): Promise<z.output<typeof endpoint.output>> {
  const row = await findPlan(call.sql, id)
  if (digest !== undefined) requireDigest(row, digest)
  requireOwn(call, row)
  // A request that is sent again gets its first answer.
  const isSentAgain = row.operation_id !== null && call.idempotencyKey !== undefined
  if (!isSentAgain) requireState(row, await readOrigin(call.sql), 'approved')
  const request = {
    ...parsedRequest(row),
    ...{ preview_token: row.token },
    ...(rate !== undefined && { rate }),
    ...(until !== undefined && { until }),
  }
  const planned = { path: row.path, request }
  const applying: Call = {
    ...call,
    reason: row.reason,
    binding: bindingOf(row),
    approved: approvalOf(row),
    detach: call.detach && { path: row.path, input: request },
  }
  return endpoint.output.parse(await makeCall(applying, planned))
}

/** @throws Failure `forbidden` */
function requireOwn({ identity: { principal } }: Call, row: PlanRow): void {
  if (principal === row.principal || principal === row.decided_principal) return
  const approver = row.decided_principal === null ? 'whoever approves it' : `its approver ${row.decided_principal}`
  throw new Failure(
    'forbidden',
    `plan ${row.id} is applied by its author ${row.principal} or ${approver}; nothing was changed`,
    {
      hint: `ask one of them: jobsctl apply ${row.id}`,
    },
  )
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
