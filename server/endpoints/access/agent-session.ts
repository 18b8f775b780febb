import { Failure } from '../../../shared/errors.ts'
import { endAgentSession as end } from '../../auth/agents/agent-sessions.ts'
import type { Call } from '../../call.ts'
import type { OutputOf } from '../handlers.ts'

/**
 * Ends the session of the agent that calls.
 * @throws Failure `conflict` for a caller without one
 */
export async function endAgentSession({
  sql,
  caller,
  identity: { agent },
}: Pick<Call, 'sql' | 'caller' | 'identity'>): Promise<OutputOf<'endAgentSession'>> {
  if (agent?.session === undefined)
    throw new Failure('conflict', 'the call is not made in the session of an agent; nothing was changed', {
      hint: 'send the token with which the session was opened',
    })
  return { ended: await end(sql, caller, agent.session) }
}
