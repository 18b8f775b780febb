import { refuseAgent } from '../../auth/agents/require-agent.ts'
import type { Call } from '../../call.ts'
import type { OutputOf } from '../handlers.ts'

/** The other servers of this one's file, with their counts. An agent looks at the server that it has a session at. */
export async function fleet({ identity, fleet }: Pick<Call, 'identity' | 'fleet'>): Promise<OutputOf<'fleet'>> {
  refuseAgent(identity, 'is not told of other servers')
  return { servers: [...((await fleet?.read()) ?? [])] }
}
