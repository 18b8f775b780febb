import { Failure } from '../../../shared/errors.ts'
import type { PlanState } from '../../../shared/plans/plan-states.ts'
import type { Plan } from '../../../shared/plans/plans.ts'
import { requireElsewhere } from '../../auth/agents/elsewhere.ts'
import { requireRight } from '../../auth/require-right.ts'
import { requireAnother } from '../../auth/secret-makers.ts'
import { recordAct } from '../../bulk/record/act.ts'
import type { Acting, Call, Reading } from '../../call.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import { readOrigin } from '../../database/installation/origin.ts'
import type { Sql } from '../../database/sql.ts'
import { type ActingCall, actorOf, personOf } from '../actor.ts'
import type { InputOf } from '../handlers.ts'
import { personOfPlan } from './agent-plans.ts'
import { findRestOperation, wasAppliedInParts } from './other-jobs.ts'
import { lockPlan, type PlanRow, requireState, shownPlan, type WholeRow } from './plan-row.ts'

type Decision = 'approved' | 'rejected'
/**
 * The states in which a plan is decided. An approval is taken back until the plan is applied, with `limit` until it is applied to its other
 * jobs, and a plan that nobody can apply gives its slot back.
 */
const decidable: Record<Decision, readonly PlanState[]> = {
  approved: ['waiting'],
  rejected: ['waiting', 'approved', 'withdrawn', 'stale'],
}

type Request = InputOf<'approvePlan'>
type Deciding = Reading & Acting & ActingCall & Pick<Call, 'session'>

/** @throws Failure `not_found`; `forbidden` for who may be the author; `conflict`, `preview_stale` */
export const approvePlan = (call: Deciding, request: Request): Promise<Plan> => decide(call, request, 'approved')

/** The author may reject a plan, too. @throws Failure `not_found`; `forbidden`; `conflict`, `preview_stale` */
export const rejectPlan = (call: Deciding, request: Request): Promise<Plan> => decide(call, request, 'rejected')

async function decide(call: Deciding, { id, digest }: Request, decision: Decision): Promise<Plan> {
  const origin = await readOrigin(call.sql)
  return unlessFrozen(call.sql, async (tx) => {
    const row = await lockPlan(tx, id, call)
    requireDigest(row, digest)
    if (decision === 'rejected' && (await holdsOthers(tx, row)))
      requireState({ ...row, operation_id: null }, origin, ...decidable.rejected)
    else requireState(row, origin, ...decidable[decision])
    if (decision === 'approved') await requireAnotherPerson(tx, call, row)
    else requireOwnOrRight(call, row)
    const decided = await note(tx, call, row, decision)
    await recordAct(tx, actorOf(call), {
      kind: decision === 'approved' ? 'plan.approved' : 'plan.rejected',
      scope: row,
      details: {
        plan: id,
        change: row.kind,
        count: row.jobs,
        dependents: row.dependents,
        digest,
        author: row.caller,
        ...(row.agent !== null && { agent: true }),
        principal: { author: row.principal, decided: call.identity.principal },
      },
    })
    return shownPlan(decided, origin, call)
  })
}

/** @throws Failure `forbidden` for who may be the author; of the plan of an agent `decide_elsewhere`, `login_too_old` */
async function requireAnotherPerson(tx: Sql, call: Deciding, row: WholeRow): Promise<void> {
  await requireElsewhere(tx, call, row)
  const first = { caller: row.caller, principal: personOfPlan(row) }
  await requireAnother(tx, { first, second: personOf(call), what: `plan ${row.id}` })
}

/**
 * Lets a caller without the right to approve reject a plan of its own principal, or of an agent of it, and an agent its own.
 * @throws Failure `forbidden`
 */
function requireOwnOrRight({ caller, identity, may }: Deciding, row: WholeRow): void {
  const isOwn = identity.agent
    ? row.agent !== null && row.caller === caller
    : [row.principal, personOfPlan(row)].includes(identity.principal)
  if (!isOwn) requireRight({ ...identity, id: caller, may }, 'approve')
}

/**
 * Whether a plan was applied to its first jobs only, so that a rejection keeps it from the others.
 * @throws Failure `conflict` where it was applied to the others, too
 */
async function holdsOthers(tx: Sql, row: WholeRow): Promise<boolean> {
  if (!wasAppliedInParts(row)) return false
  const others = await findRestOperation(tx, row)
  if (others === undefined) return true
  throw new Failure(
    'conflict',
    `plan ${row.id} was applied to its other jobs already (operation ${others}); this request changed nothing`,
    { hint: `while it runs, jobsctl operations stop ${others} ends it` },
  )
}

/** @throws Failure `conflict` for the digest of another plan */
export function requireDigest({ id, digest }: PlanRow, given: string): void {
  if (digest === given) return
  throw new Failure('conflict', `the digest is not that of plan ${id}; nothing was changed`, {
    hint: `jobsctl plans show ${id} shows what it is now`,
  })
}

async function note(
  tx: Sql,
  { caller, identity, reason }: Deciding,
  row: PlanRow,
  decision: Decision,
): Promise<PlanRow> {
  const decided = { decided_by: caller, decided_principal: identity.principal, decided_reason: reason ?? null }
  const [{ decided_at }] = await tx<[{ decided_at: string }]>`
    update jobsctl_plans
    set decision = ${decision}, decided_by = ${caller}, decided_principal = ${identity.principal},
      decided_reason = ${reason ?? null}, decided_at = now()
    where id = ${row.id}::bigint
    returning decided_at`
  return { ...row, decision, ...decided, decided_at }
}
