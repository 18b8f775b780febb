import { Failure } from '../../../shared/errors.ts'
import type { Approval } from '../../../shared/plans/approval.ts'
import { seesPeople } from '../../auth/oidc/known-callers.ts'
import { requireAnother } from '../../auth/secret-makers.ts'
import { readApprovalAbove, readApprovalSetting, writeApprovalSetting } from '../../bulk/limits/approval-setting.ts'
import { recordAct } from '../../bulk/record/act.ts'
import type { Acting, ServerContext } from '../../call.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import type { Sql } from '../../database/sql.ts'
import { type ActingCall, actorOf, personOf } from '../actor.ts'
import type { InputOf } from '../handlers.ts'

type ApprovalCall = Pick<ServerContext, 'sql' | 'approvalAbove'> & Acting & ActingCall

/** From how many jobs on a change needs an approval, and which emergencies wait for a review. */
export async function showApproval({
  sql,
  approvalAbove,
  may,
}: Pick<ServerContext, 'sql' | 'approvalAbove'> & Pick<Acting, 'may'>): Promise<Approval> {
  const people = seesPeople(may)
  return {
    above: (await readApprovalAbove(sql, approvalAbove)) ?? null,
    above_in_database: (await readApprovalSetting(sql)) ?? null,
    above_on_server: approvalAbove ?? null,
    above_edit: (await readApprovalSetting(sql, 'edit')) ?? null,
    to_review: (await readUnreviewed(sql)).map((one) => ({ ...one, principal: people ? one.principal : null })),
  }
}

const readUnreviewed = async (sql: Sql) => [
  ...(await sql<{ operation_id: number; caller: string; principal: string }[]>`
    select operation_id, emergency.caller, principal
    from jobsctl_emergencies as emergency
    join job_operations on job_operations.id = operation_id
    where reviewed_at is null and (affected > 0 or state = 'running')
    order by operation_id
    limit 100`),
]

/**
 * Sets from how many jobs on a change needs an approval.
 * @throws Failure `conflict` in single-user mode, where nobody could give one; `frozen`
 */
export async function setApproval(call: ApprovalCall, { above, kind }: InputOf<'setApproval'>): Promise<Approval> {
  if (above !== null && call.caller === 'single-user')
    throw new Failure('conflict', 'in single-user mode nobody else could approve a change; nothing was changed', {
      hint: 'a server with AUTH_MODE=multi_user has approvals',
    })
  await unlessFrozen(call.sql, async (tx) => {
    const above_before = (await readApprovalSetting(tx, kind)) ?? null
    if (above_before === above) return
    await writeApprovalSetting(tx, above, kind)
    await recordAct(tx, actorOf(call), {
      kind: 'approval.set',
      details: { ...(kind && { kind }), above: above ?? 'off', above_before },
    })
  })
  return showApproval(call)
}

/**
 * Signs an emergency of another principal.
 * @throws Failure `not_found` for an operation that needs no review; `forbidden` for who may be its caller; `frozen`
 */
export async function reviewOperation(call: ApprovalCall, { id }: InputOf<'reviewOperation'>): Promise<Approval> {
  const { principal } = call.identity
  await unlessFrozen(call.sql, async (tx) => {
    const [emergency] = await tx<{ caller: string; principal: string; reviewed: boolean }[]>`
      select caller, principal, reviewed_at is not null as reviewed
      from jobsctl_emergencies
      where operation_id = ${id}::bigint
      for update`
    if (!emergency || emergency.reviewed)
      throw new Failure('not_found', `operation ${id} waits for no review; nothing was changed`, {
        hint: 'jobsctl plans approval shows which do',
      })
    await requireAnother(tx, { first: emergency, second: personOf(call), what: `operation ${id}` })
    await tx`
      update jobsctl_emergencies
      set reviewed_by = ${call.caller}, reviewed_principal = ${principal}, reviewed_at = now()
      where operation_id = ${id}::bigint`
    await recordAct(tx, actorOf(call), {
      kind: 'operation.reviewed',
      details: {
        operation: id,
        author: emergency.caller,
        principal: { author: emergency.principal, reviewed: principal },
      },
    })
  })
  return showApproval(call)
}
