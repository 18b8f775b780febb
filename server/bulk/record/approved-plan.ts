import { Failure } from '../../../shared/errors.ts'
import { lossOf, type Standing, standingOf } from '../../auth/standing.ts'
import type { Sql } from '../../database/sql.ts'
import type { ApprovedPlan } from '../change/commission.ts'

/**
 * Locks the plan of an operation that begins, and the tokens of its author and its approver, so that nobody rejects it or suspends them
 * before the record of the operation is there.
 * @throws Failure `conflict` where somebody has rejected the plan since this request read it; `preview_stale` where the author or the
 *   approver has lost what it takes since then
 */
export async function holdApproval(tx: Sql, { plan, author, approver }: ApprovedPlan): Promise<void> {
  await tx`select from jobs_api_tokens where id in (${author}, ${approver}) order by id for share`
  const [now] = await tx<[{ author: Standing; approver: Standing }]>`
    select ${standingOf(tx, tx`${author}::text`)} as author, ${standingOf(tx, tx`${approver}::text`)} as approver`
  const lost = lossOf(now.author, 'change') ?? lossOf(now.approver, 'approve')
  if (lost !== undefined)
    throw new Failure(
      'preview_stale',
      `plan ${plan} is withdrawn: its author or its approver ${lost}; nothing was changed`,
      {
        hint: 'plan it again',
      },
    )
  const { count } = await tx`
    select from jobsctl_plans where id = ${plan}::bigint and decision = 'approved' for share`
  if (count > 0) return
  throw new Failure('conflict', `plan ${plan} is not approved any more; nothing was changed`, {
    hint: `jobsctl plans show ${plan} shows why`,
  })
}

/** Who planned and who approved the change, under its seal. The names of principals have a field that not every reader sees. */
export const approvalDetails = (approved: ApprovedPlan | undefined) => {
  if (!approved) return {}
  const { principals, ...approval } = approved
  return { approval, principal: principals }
}
