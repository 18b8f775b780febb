import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Instant } from '../scope.ts'

/** A caller that is an agent, or whose key or token opened the session of one. */
export const KnownAgent = z.object({
  id: z.string().describe('The id of its token, or of the one that opened its sessions, as plans and records have it.'),
  name: z.string().describe('The name that people know it by.'),
  of: z.string().describe('The person whose agent it is.'),
  by: z
    .string()
    .meta({ enum: ['token', 'session'] })
    .describe('`token` for a token with the role agent; `session` for a key or token that opens sessions.'),
  client: z.string().nullable().describe('What its program said last that it is.'),
  ended: z.boolean().describe('Its key or token was revoked, is suspended or has expired.'),
  sessions: Count.describe('Its open sessions.'),
  last_call_at: Instant.nullable().describe('Its last call of the last 90 days.'),
  asked: z
    .array(
      z.object({
        tool: z.string().describe('The name of the tool, or the method and path of a call over HTTP.'),
        calls: Count.describe('How often it called the tool.'),
        rows: Count.describe('The number of rows that it got.'),
      }),
    )
    .describe('What it asked in the last 24 hours, by tool.'),
  plans: z
    .object({
      proposed: Count.describe('All of them.'),
      waiting: Count.describe('Nobody has decided.'),
      approved: Count.describe('Approved by a person, and not applied.'),
      rejected: Count.describe('Rejected.'),
      applied: Count.describe('Applied by a person.'),
      undone: Count.describe('Applied, and undone afterwards.'),
    })
    .describe('Its plans that are kept, until 7 days after their term.'),
})
export type KnownAgent = z.output<typeof KnownAgent>

/** Servers up to 0.2.0 have no agents. */
export const listAgents = endpoint({
  method: 'GET',
  path: '/api/v1/agents',
  meaning:
    'Whether agents are on, and the agents there are: what they asked in the last day, and what became of their plans. At most 1,000, the last call first.',
  needs: 'read_tokens',
  scoped: { refused: 'agents are about all domains' },
  verb: 'always',
  input: z.strictObject({}),
  output: z.object({
    on: z.boolean().describe('Whether agents are on.'),
    agents: z.array(KnownAgent).describe('The agents there are.'),
  }),
  changes: () => false,
})
