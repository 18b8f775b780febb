import { Failure } from '../../../shared/errors.ts'
import { endAgentSession as end } from '../../auth/agents/agent-sessions.ts'
import { requireAgent } from '../../auth/agents/require-agent.ts'
import type { Call } from '../../call.ts'
import type { OutputOf } from '../handlers.ts'

/**
 * Ends the session of the agent that calls.
 * @throws Failure `forbidden` for a person; `conflict` for the token of an agent
 */
export async function endAgentSession({
  sql,
  caller,
  identity: { agent },
}: Pick<Call, 'sql' | 'caller' | 'identity'>): Promise<OutputOf<'endAgentSession'>> {
  const { session } = requireAgent({ agent })
  if (session === undefined)
    throw new Failure('conflict', 'the token of an agent has no session to end; nothing was changed', {
      hint: 'an admin revokes the token',
    })
  return { ended: await end(sql, caller, session) }
}
