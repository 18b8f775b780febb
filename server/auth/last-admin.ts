import { Failure } from '../../shared/errors.ts'
import type { Sql } from '../database/sql.ts'
import { isLive, withoutRole } from './tokens.ts'

/**
 * Makes a change of tokens that leaves at least one usable token of an admin, where there was one. Changes of several callers wait for
 * each other, so that two admins cannot take the right from one another at the same time.
 * @throws Failure `conflict`; whatever `change` throws
 */
export async function keepingAnAdmin<Result>(tx: Sql, change: () => Promise<Result>): Promise<Result> {
  const before = await usableAdmins(tx)
  const result = await change()
  if (before > 0 && (await usableAdmins(tx)) === 0) throw lastAdmin()
  return result
}

/** The number of tokens that work now and may govern; their rows are locked. */
async function usableAdmins(tx: Sql): Promise<number> {
  const rows = await tx`
    select token.id
    from jobs_api_tokens as token
    left join jobsctl_tokens as grants using (id)
    where ${isLive(tx)} and grants.suspended_at is null and coalesce(grants.role, ${withoutRole}) in ('admin', ${withoutRole})
    order by token.id
    for update of token`
  return rows.length
}

const lastAdmin = (): Failure =>
  new Failure('conflict', 'no usable token of an admin would be left; nothing was changed', {
    hint: 'make another one first: POST /api/v1/tokens; on the database itself jobs-server token does it all the same',
  })
