import { Failure } from '../../../shared/errors.ts'
import type { Agent, Caller } from '../authenticate.ts'

/**
 * The agent that a caller is.
 * @throws Failure `forbidden` for a person: its key or token, and the session of its browser
 */
export function requireAgent({ agent }: { agent?: Agent | undefined }): Agent {
  if (agent) return agent
  throw new Failure('forbidden', 'this is for agents, and a person calls; nothing was changed', {
    hint: 'open the session of an agent with the key or token; or an admin makes a token of one: jobs-server token create mender --role agent --of <principal>',
  })
}

/**
 * Refuses an agent what is not cut to what agents are given.
 * @throws Failure `forbidden`
 */
export function refuseAgent({ agent }: Pick<Caller, 'agent'>, what: string): void {
  if (!agent) return
  throw new Failure('forbidden', `an agent ${what}; nothing was changed`, {
    hint: 'a person does, with a key or token of its own; an agent plans a change, and a person decides',
  })
}
