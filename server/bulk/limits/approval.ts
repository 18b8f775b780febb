import { type BulkKind, kindOf } from '../../../shared/changes/kinds.ts'
import { Failure } from '../../../shared/errors.ts'
import { headers } from '../../../shared/headers.ts'
import { proposePlan } from '../../../shared/plans/plans.ts'
import { requireRight } from '../../auth/require-right.ts'
import type { Sql } from '../../database/sql.ts'
import type { BulkChange, Running } from '../change/bulk-change.ts'
import { type ChangeSize, digits, sizeText, totalOf } from './size.ts'
import { readUnapprovedUse } from './use-of-day.ts'

export type ApprovalContext = Pick<
  Running,
  'operation' | 'caller' | 'identity' | 'may' | 'approved' | 'proposed' | 'policy' | 'emergency' | 'reason'
>

interface Measured {
  size: ChangeSize
  above: number
}

/**
 * Whether a change goes past the approval that it needs. It needs one where it, or all that its principal changed in 24 hours with
 * changes of the same effect in this domain and without an approval, is above the number.
 * A run of a policy that nobody has approved counts as a change of its author, or one admin could prune everything by a file.
 * @returns false for a change that needs no approval, or has one
 * @throws Failure `approval_required`; `forbidden` for an emergency of a caller without the right; `invalid_request` for one without a
 *   reason
 */
export async function isEmergency(
  tx: Sql,
  context: ApprovalContext,
  { kind, scope, planned }: Pick<BulkChange<unknown>, 'kind' | 'scope' | 'planned'>,
  { size, above }: Measured,
): Promise<boolean> {
  if (context.approved) return false
  const { principal } = context.identity
  const before = await readUnapprovedUse(tx, { principal, kind, scope, except: context.operation })
  if (totalOf(size) + before <= above) return false
  const { policy, proposed } = context
  if (!context.emergency) throw approvalRequired({ kind, planned, principal, size, before, above, policy, proposed })
  const { identity, may, caller: id } = context
  requireRight({ ...identity, id, may }, 'break_glass')
  if (context.reason === undefined)
    throw new Failure('invalid_request', `an emergency needs a reason in ${headers.reason}; nothing was changed`)
  return true
}

interface Refused extends Measured, Pick<ApprovalContext, 'policy' | 'proposed'> {
  kind: BulkKind
  planned: string | undefined
  principal: string
  /** How many jobs were changed without an approval in 24 hours. */
  before: number
}

function approvalRequired({ kind, planned, principal, size, before, above, policy, proposed }: Refused): Failure {
  const earlier = before === 0 ? '' : `, and ${principal} has changed ${digits(before)} so in 24 hours`
  return new Failure(
    'approval_required',
    `${sizeText(size)}${earlier}, and a ${kindOf(kind).name} of more than ${digits(above)} jobs needs the approval of another principal; nothing was changed`,
    { hint: hintOf({ kind, policy, planned, proposed }) },
  )
}

/** The hint begins with `plan it: ` where the caller may make a plan, by which jobsctl knows that `--propose` would do; 0.2.0 looks for the path. */
function hintOf({
  kind,
  policy,
  planned,
  proposed,
}: Pick<Refused, 'kind' | 'policy' | 'planned' | 'proposed'>): string {
  if (proposed)
    return `a token of another principal with --approver, or an admin's, approves the plan first: jobsctl approve ${proposed.plan}`
  if (policy)
    return `give the rule ${policy.rule} a smaller max, or have the policy approved: jobsctl policy apply policy.yaml --propose --reason <why>`
  if (!kindOf(kind).plannable)
    return `an erasure has no plan, which would keep the name; a token with --may-break-glass goes past the approval with ${headers.emergency} and a reason`
  return `plan it: POST ${proposePlan.path} with ${planned ?? 'its path and request'}, on the command line --propose with --reason; a token with --approver, or an admin of another principal, approves it`
}

/** Notes with a running operation, and in what will be sealed of it, that it goes past an approval. */
export async function noteEmergency(
  tx: Sql,
  { operation, caller, identity: { principal } }: ApprovalContext,
): Promise<void> {
  const facts = JSON.stringify({ emergency: true, principal })
  await tx`
    update job_operations set filters = filters || ${facts}::text::jsonb where id = ${operation}::bigint`
  await tx`
    insert into jobsctl_emergencies (operation_id, caller, principal) values (${operation}::bigint, ${caller}, ${principal})`
}

/** Forgets the emergency of an operation that did not begin. */
export const forgetEmergency = (sql: Sql, operation: number) => sql`
  delete from jobsctl_emergencies where operation_id = ${operation}::bigint`
