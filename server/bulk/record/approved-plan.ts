import type { Right } from '../../../shared/access/rights.ts'
import { Failure } from '../../../shared/errors.ts'
import { lossOf, type Standing, standingOf } from '../../auth/standing.ts'
import type { Sql } from '../../database/sql.ts'
import type { ApprovedPlan, Commission, ProposedPlan } from '../change/commission.ts'

/** Who approved a plan, and which agent made it. */
type Provenance = Pick<Commission, 'approved' | 'proposed'>

/**
 * Locks the plan of an operation that begins, and the tokens of its author and its approver, so that nobody rejects it or suspends them
 * before the record of the operation is there. The plan of an agent needs no approval here: how many jobs it may change without one is
 * asked later, as of any change.
 * @throws Failure `conflict` where somebody has rejected the plan since this request read it; `preview_stale` where the author or the
 *   approver has lost what it takes since then
 */
export async function holdPlan(tx: Sql, { approved, proposed }: Provenance): Promise<void> {
  if (approved) await holdDecision(tx, approved, proposed ? 'propose' : 'change')
  else if (proposed) await holdProposal(tx, proposed)
}

/** The same for what a second person has approved. */
export const holdApproval = (tx: Sql, approved: ApprovedPlan): Promise<void> => holdDecision(tx, approved, 'change')

async function holdDecision(tx: Sql, { plan, author, approver }: ApprovedPlan, needs: Right): Promise<void> {
  await tx`select from jobs_api_tokens where id in (${author}, ${approver}) order by id for share`
  const [now] = await tx<[{ author: Standing; approver: Standing }]>`
    select ${standingOf(tx, tx`${author}::text`)} as author, ${standingOf(tx, tx`${approver}::text`)} as approver`
  const lost = lossOf(now.author, needs) ?? lossOf(now.approver, 'approve')
  if (lost !== undefined) throw withdrawn(plan, `its author or its approver ${lost}`)
  const { count } = await tx`
    select from jobsctl_plans where id = ${plan}::bigint and decision = 'approved' for share`
  if (count > 0) return
  throw new Failure('conflict', `plan ${plan} is not approved any more; nothing was changed`, {
    hint: `jobsctl plans show ${plan} shows why`,
  })
}

async function holdProposal(tx: Sql, { plan, agent }: ProposedPlan): Promise<void> {
  await tx`select from jobs_api_tokens where id = ${agent} for share`
  const [{ now }] = await tx<[{ now: Standing }]>`select ${standingOf(tx, tx`${agent}::text`)} as now`
  const lost = lossOf(now, 'propose')
  if (lost !== undefined) throw withdrawn(plan, `its author ${lost}`)
  const { count } = await tx`
    select from jobsctl_plans where id = ${plan}::bigint and decision is distinct from 'rejected' for share`
  if (count > 0) return
  throw new Failure('conflict', `plan ${plan} was rejected; nothing was changed`, {
    hint: `jobsctl plans show ${plan} shows by whom`,
  })
}

const withdrawn = (plan: number, why: string): Failure =>
  new Failure('preview_stale', `plan ${plan} is withdrawn: ${why}; nothing was changed`, { hint: 'plan it again' })

/** Who planned and who approved the change, under its seal. The names of people have a field that not every reader sees. */
export function planDetails({ approved, proposed }: Provenance): object {
  if (!approved && !proposed) return {}
  const { principals, ...approval } = approved ?? {}
  const { people, ...proposal } = proposed ?? {}
  return {
    ...(approved && { approval }),
    ...(proposed && { proposal }),
    principal: { ...principals, ...people },
  }
}
