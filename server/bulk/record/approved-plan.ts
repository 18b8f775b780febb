import { Failure } from '../../../shared/errors.ts'
import type { ApprovedPlan } from '../../call.ts'
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
