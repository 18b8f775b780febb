import { agentRole } from '../../../shared/access/rights.ts'
import { signOnPath } from '../../../shared/access/sign-on-path.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Sql } from '../../database/sql.ts'
import type { Caller } from '../authenticate.ts'
import { mayKnow } from '../secret-makers.ts'
import { freshSeconds } from '../sessions/session-terms.ts'
import { isSingleSignOn } from '../single-sign-on-id.ts'

/** Who decides, and by what. */
interface Deciding {
  caller: string
  session: Caller['session'] | undefined
  identity: Pick<Caller, 'agent'>
}

/** The plan of a person or of an agent, and the caller that made it: an agent's token, or the one that opened its session. */
interface Planned {
  id: number
  caller: string
  /** Null for the plan of a person. */
  agent: unknown
}

/**
 * Refuses to decide about the plan of an agent, and of nobody else, by what the process of the agent may hold. That is the key or token that the
 * agent has or comes from, a token that one of these made or rotated, and a session of a browser that one of them opened. A token of single
 * sign-on is one of a program, too.
 * @throws Failure `decide_elsewhere`; `login_too_old` for a session of a browser whose login is too long ago
 */
export async function requireElsewhere(
  sql: Sql,
  { caller: id, session, identity: { agent } }: Deciding,
  { id: plan, caller: author, agent: planned }: Planned,
): Promise<void> {
  if (planned === null) return
  const isOwn = agent !== undefined || (isSingleSignOn(id) ? !session : await mayBeHeld(sql, id, author))
  if (isOwn) throw decideElsewhere(plan)
  if (session && session.age >= freshSeconds)
    throw new Failure(
      'login_too_old',
      `the login of the session is more than ${freshSeconds / 60} minutes ago, and an agent proposed plan ${plan}; nothing was changed`,
      { hint: `log in again (${isSingleSignOn(id) ? signOnPath : 'POST /api/v1/session'}), then send the call again` },
    )
}

/** Whether the process of an agent may know the secret of a caller: it has its own, and perhaps the one with which its token was made. */
async function mayBeHeld(sql: Sql, id: string, author: string): Promise<boolean> {
  const makers = await sql<{ id: string }[]>`
    select made_by as id from jobsctl_tokens where id = ${author} and role = ${agentRole} and made_by is not null
    union
    select jsonb_array_elements_text(secrets_by) from jobsctl_tokens where id = ${author} and role = ${agentRole}`
  return mayKnow(sql, [author, ...makers.map((maker) => maker.id)], id)
}

const decideElsewhere = (plan: number): Failure =>
  new Failure(
    'decide_elsewhere',
    `an agent proposed plan ${plan}, and its program may have what this call was made with; nothing was changed`,
    {
      hint: `decide in a session of single sign-on whose login is at most ${freshSeconds / 60} minutes old, or with a token that was made at the shell: jobs-server token create`,
    },
  )
