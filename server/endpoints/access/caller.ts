import { allRights } from '../../../shared/access/rights.ts'
import { shownSession } from '../../auth/sessions/session-authenticator.ts'
import { rolesThatMay } from '../../auth/standing.ts'
import { countWithoutRole } from '../../auth/token-warnings.ts'
import { readApprovalAbove } from '../../bulk/limits/approval-setting.ts'
import { readLimits } from '../../bulk/limits/token-limits.ts'
import { readDayUse } from '../../bulk/limits/use-of-day.ts'
import type { Call, Reading } from '../../call.ts'
import type { Sql } from '../../database/sql.ts'
import type { OutputOf } from '../handlers.ts'

/** Who calls, and what it may do. */
export async function showCaller({
  sql,
  caller,
  identity: { name, role, principal },
  may,
  within,
  session,
  approvalAbove,
}: Reading & Pick<Call, 'caller' | 'identity' | 'may' | 'session' | 'approvalAbove'>): Promise<OutputOf<'showCaller'>> {
  return {
    id: caller,
    name,
    role,
    principal,
    scope: within ?? null,
    limits: await limitsOf(sql, caller, principal),
    approval_above: (await readApprovalAbove(sql, approvalAbove)) ?? null,
    may: allRights.filter((right) => may.has(right)),
    ...(session && { session: shownSession(session) }),
    ...(may.has('read_tokens') && { without_role: await countWithoutRole(sql), editors: await readEditors(sql) }),
  }
}

/** The live tokens that may edit payloads, the newest first. */
const readEditors = async (sql: Sql) => [
  ...(await sql<{ id: string; name: string; role: string; principal: string }[]>`
    select id, name, role, principal
    from jobs_api_tokens token
    join jobsctl_tokens grants using (id)
    where revoked_at is null and suspended_at is null and coalesce(expires_at > now(), true)
      and (may_edit or role = any(${rolesThatMay(sql, 'edit')}))
    order by token.created_at desc, id
    limit 20`),
]

async function limitsOf(sql: Sql, caller: string, principal: string) {
  const limits = await readLimits(sql, caller)
  if (!limits) return null
  const { max_per_change, max_per_day } = limits
  const { used } = await readDayUse(sql, { principal, wanted: 0, most: 0 })
  return { max_per_change, max_per_day, changed_today: used }
}
