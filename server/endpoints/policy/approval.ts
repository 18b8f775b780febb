import { Failure } from '../../../shared/errors.ts'
import { proposePlan } from '../../../shared/plans/plans.ts'
import { applyPolicy as endpoint } from '../../../shared/policy/policy.ts'
import type { Rule } from '../../../shared/policy/rule.ts'
import { leastAbove, readApprovalAbove } from '../../bulk/limits/approval-setting.ts'
import { digits } from '../../bulk/limits/size.ts'
import type { ServerContext } from '../../call.ts'
import type { Sql } from '../../database/sql.ts'

/**
 * Refuses a policy of which a run may change more jobs than a caller may change alone. Runs of a policy that nobody has approved are changes
 * of its author, which together are refused above the number as well.
 * @throws Failure `approval_required`
 */
export async function requireSmall(
  tx: Sql,
  { approvalAbove }: Pick<ServerContext, 'approvalAbove'>,
  rules: readonly Rule[],
): Promise<void> {
  const forAll = await readApprovalAbove(tx, approvalAbove)
  for (const rule of rules) {
    const above = leastAbove(forAll, rules, rule)
    if (rule.mode === 'apply' && above !== undefined && rule.max > above) throw needsApproval(rule, above)
  }
}

const needsApproval = (large: Rule, above: number): Failure =>
  new Failure(
    'approval_required',
    `a run of the rule ${large.name} may change ${digits(large.max)} jobs, and a change of more than ${digits(above)} jobs needs the approval of another principal; nothing was changed`,
    {
      hint: `give the rule a max of at most ${digits(above)}, or plan the policy: POST ${proposePlan.path} with the path ${endpoint.path} and its request, on the command line --propose with --reason; a token with --approver, or an admin of another principal, approves it`,
    },
  )

/** @throws Failure `conflict` for a rule that asks for approvals where nobody could give one */
export function refuseApprovals(rules: readonly Rule[]): void {
  const rule = rules.find(({ approval_above }) => approval_above !== undefined)
  if (!rule) return
  throw new Failure(
    'conflict',
    `the rule ${rule.name} has approval_above, and in single-user mode nobody else could approve a change; nothing was changed`,
    { hint: 'leave it out, or use a server with AUTH_MODE=multi_user' },
  )
}
