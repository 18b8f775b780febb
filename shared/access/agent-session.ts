import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Instant } from '../scope.ts'

/** A name that a program gives itself, without control characters and invisible ones. */
const ClientName = z
  .string('must be a text')
  .max(200, 'must be at most 200 characters')
  .transform((text) =>
    text
      .normalize()
      .replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
      .trim()
      .slice(0, 64),
  )

export const Client = z.strictObject({ name: ClientName, version: ClientName.optional() })

/** `desk-client 1.2`, as plans and records show it; undefined for a program that says nothing. */
export const clientText = ({ name, version = '' }: z.output<typeof Client>): string | undefined =>
  `${name} ${version}`.trim() || undefined

/** Servers up to 0.2.0 have no agents. */
export const openAgentSession = endpoint({
  method: 'POST',
  path: '/api/v1/agent-session',
  meaning:
    'Opens the session of an agent, with a key or a token: `token` of the answer is the only copy of its secret, and goes as `Authorization: Bearer`. It may what its key or token and the role `agent` both may, and ends with it, after 12 hours, and when agents are turned off. A caller has at most 5; another one ends the oldest. 404 while agents are off (`jobs-server agents on`).',
  needs: 'read',
  scoped: 'same',
  verb: 'always',
  input: z.strictObject({
    client: Client.optional().describe('what the program is, for the people who decide about its plans'),
  }),
  output: z.object({
    token: z.string().describe('`ja_…`: it opens no other session, and no session of a browser.'),
    id: z.string().describe('Names the session in records.'),
    of: z.string().describe('The person whose agent it is.'),
    may: z.array(z.string()).describe('The names of its rights.'),
    ends_at: Instant.describe('When the session ends by itself.'),
  }),
  changes: () => true,
  unconfirmed: true,
  whileFrozen: true,
  created: () => true,
})

export const endAgentSession = endpoint({
  method: 'POST',
  path: '/api/v1/agent-session/end',
  meaning: 'Ends the session of the agent that calls.',
  needs: 'identity',
  scoped: 'same',
  verb: 'always',
  input: z.strictObject({}),
  output: z.object({ ended: Count.describe('1, or 0 where it had ended before.') }),
  changes: () => true,
  unconfirmed: true,
  whileFrozen: true,
  byAgents: true,
})
