import type { Sql } from '../database/sql.ts'
import { findToken } from './tokens.ts'

/**
 * Revokes the token with this id, at once and for every server.
 * @returns the ids that were revoked now; a token that is revoked already stays so
 * @throws Failure `not_found` when there is no such token
 */
export async function revokeToken(tx: Sql, id: string): Promise<string[]> {
  const { count } = await tx`update jobs_api_tokens set revoked_at = now() where id = ${id} and revoked_at is null`
  if (count > 0) return [id]
  await findToken(tx, id)
  return []
}

/**
 * Revokes the token with this id, the tokens that it made or rotated, and those that they made or rotated. A token that one of them is making
 * or rotating is waited for, and revoked, too.
 * @returns the ids that were revoked now
 * @throws Failure `not_found` when there is no such token
 */
export async function revokeTree(tx: Sql, id: string): Promise<string[]> {
  await findToken(tx, id)
  const revoked: string[] = []
  for (;;) {
    const rows = await tx<{ id: string }[]>`
      with recursive tree as (
        select ${id}::text as id
        union
        select made.id from jobsctl_tokens as made join tree on made.made_by = tree.id or made.secrets_by ? tree.id
      )
      update jobs_api_tokens set revoked_at = now()
      where id in (select id from tree) and revoked_at is null
      returning id`
    if (rows.length === 0) return revoked
    revoked.push(...rows.map(({ id }) => id))
  }
}
