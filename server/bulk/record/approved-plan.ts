import { Failure } from '../../../shared/errors.ts'
import type { ApprovedPlan, Call } from '../../call.ts'
import type { Sql } from '../../database/sql.ts'

/**
 * Locks the plan of an operation that begins, so that nobody rejects it before the record of the operation is there.
 * @throws Failure `conflict` where somebody has rejected the plan since this request read it
 */
export async function holdApproval(tx: Sql, { plan }: ApprovedPlan): Promise<void> {
  const { count } = await tx`
    select from jobsctl_plans where id = ${plan}::bigint and decision = 'approved' for share`
  if (count > 0) return
  throw new Failure('conflict', `plan ${plan} is not approved any more; nothing was changed`, {
    hint: `jobsctl plans show ${plan} shows why`,
  })
}

/** Who planned and who approved the change, under its seal. The names of principals have a field that not every reader sees. */
export const approvalDetails = (approved: Call['approved']) => {
  if (!approved) return {}
  const { principals, ...approval } = approved
  return { approval, principal: principals }
}
