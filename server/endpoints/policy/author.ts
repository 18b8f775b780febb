import { type Right, rightsOf } from '../../../shared/access/rights.ts'
import type { Token } from '../../../shared/access/tokens.ts'
import { Failure } from '../../../shared/errors.ts'
import { singleUser } from '../../auth/authenticate.ts'
import { findToken, isLive } from '../../auth/tokens.ts'
import type { Acting, ServerContext } from '../../call.ts'

/** The caller who applied a policy, with the rights that it has now. */
interface Author extends Acting {
  /** When its token expires. */
  until: string | null
}

const needed: readonly Right[] = ['govern', 'change']

/**
 * Looks up what the caller may do now. The server makes the changes of a policy with these rights.
 * @throws Failure `forbidden` where its token has ended, is suspended, or has lost a right that a policy needs
 */
export async function findAuthor(
  { sql, authMode }: Pick<ServerContext, 'sql' | 'authMode'>,
  caller: string,
): Promise<Author> {
  if (caller === singleUser.id) {
    if (authMode === 'multi_user') throw lost('the single-user key, which servers with tokens do not take')
    return { ...singleUser, caller, identity: singleUser, until: null }
  }
  if (authMode === 'single_user') throw lost(`the token ${caller}, which servers with the single-user key do not take`)
  const token = await findToken(sql, caller).catch((error: unknown) => {
    if (error instanceof Failure && error.code === 'not_found') throw lost(`${caller}, which is no token`)
    throw error
  })
  const may = rightsOf(token)
  const [live] = await sql`select from jobs_api_tokens where id = ${caller} and ${isLive(sql)}`
  const why =
    endOf(token, { isLive: live !== undefined }) ??
    needed.filter((right) => !may.has(right)).map((right) => `lacks the right "${right}"`)[0]
  if (why) throw lost(`the token ${token.name} (${caller}), which ${why}`)
  const { name, role, principal } = token
  const identity = { name, role, principal }
  return { caller, identity, may, within: token.scope ?? undefined, until: token.expires_at }
}

/** Whether a token has expired is decided by the clock of the database. */
function endOf({ revoked_at, suspended_at, expires_at }: Token, { isLive }: { isLive: boolean }): string | undefined {
  if (revoked_at !== null) return `was revoked at ${revoked_at}`
  if (!isLive) return `expired at ${expires_at}`
  return suspended_at === null ? undefined : `is suspended since ${suspended_at}`
}

const lost = (author: string): Failure =>
  new Failure('forbidden', `no server runs a policy of ${author}; nothing was changed`, {
    hint: 'an admin applies it with a token of its own: jobsctl policy apply policy.yaml',
  })
