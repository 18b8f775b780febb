import type { TokenScope } from '../../shared/access/token-scope.ts'
import { Failure } from '../../shared/errors.ts'
import { quoted } from '../../shared/text/shell.ts'
import { engineSince } from '../database/installation/engine-setting.ts'
import type { Sql } from '../database/sql.ts'
import { type Place, servedBy } from '../engines/served.ts'

interface Reaching {
  caller: string
  within: TokenScope | undefined
}

/** Whether a caller reaches the jobs of an engine: no token without a scope does that was made before they were served beside our own. */
export async function hasReach(
  sql: Sql,
  { adapter }: Pick<Place, 'adapter'>,
  { caller, within }: Reaching,
): Promise<boolean> {
  if (within !== undefined || servedBy(sql).mode !== 'own') return true
  const [token] = await sql`
    select from jobs_api_tokens
    where id = ${caller}::text and created_at >= ${engineSince(sql, adapter.engine)} is not true`
  return token === undefined
}

/**
 * Refuses a token without a scope that was made before the jobs of an engine were served beside our own: it was made for those alone.
 * @throws Failure `forbidden`
 */
export async function requireReach(sql: Sql, place: Place, { caller, within }: Reaching): Promise<void> {
  if (await hasReach(sql, place, { caller, within })) return
  throw new Failure(
    'forbidden',
    `the token ${caller} is older than this server's work on the jobs of ${place.adapter.engine}, and has no scope that names their domain; nothing was changed`,
    {
      hint: `make a new token, or give it a scope: jobs-server token set-scope ${caller} --domain ${quoted(place.found.domain)}`,
    },
  )
}
