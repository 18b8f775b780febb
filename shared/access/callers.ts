import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Instant, queryNumber } from '../scope.ts'

/** A caller of single sign-on who has logged in in a browser, or is blocked. */
export const KnownCaller = z.object({
  id: z.string().describe('Names the caller in records and events.'),
  name: z.string().describe('The name of the caller, as the provider of single sign-on has it.'),
  issuer: z.string().nullable().describe('Null for a caller who was blocked before any login.'),
  subject: z
    .string()
    .nullable()
    .describe('The id of the caller at its issuer; null for a caller who was blocked before any login.'),
  seen_at: Instant.describe('The last login, or the block of somebody who has not logged in.'),
  blocked_at: Instant.nullable().describe('When the caller was blocked; null for one who is not.'),
})
export type KnownCaller = z.output<typeof KnownCaller>

const refused = { refused: 'callers are about all domains' } as const

export const listCallers = endpoint({
  method: 'GET',
  path: '/api/v1/callers',
  meaning: 'The callers of single sign-on who have logged in in a browser within 90 days, and those who are blocked.',
  needs: 'read_tokens',
  scoped: refused,
  verb: 'always',
  input: z.strictObject({ limit: queryNumber(1, 1000, 1000).describe('at most this many') }),
  output: z.array(KnownCaller),
  changes: () => false,
})

/** The most callers of one call for their names. */
const mostNames = 100

const Ids = z.array(z.string().min(1).max(256)).min(1).max(mostNames)

/** The ids of a call for names; undefined for a text that names none, or more than 100. */
export function idsOfCallers(text: string): string[] | undefined {
  try {
    return Ids.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

export const callerNames = endpoint({
  method: 'GET',
  path: '/api/v1/callers/names',
  meaning:
    'Who the callers are that records, plans, holds and events name by their ids: the principal of a token, the name of a caller of single sign-on. What is no such id is left out. A caller that only reads gets no names.',
  needs: 'records',
  scoped: 'same',
  verb: 'always',
  input: z.strictObject({
    ids: z
      .string('must be a text')
      .refine(
        (text) => idsOfCallers(text) !== undefined,
        `must be JSON of 1 to ${mostNames} ids, such as ["0123456789ab"]`,
      )
      .describe('the ids, as JSON: a list of texts'),
  }),
  output: z.object({
    callers: z
      .array(
        z.object({
          id: z.string().describe('The id, as records and events have it.'),
          name: z.string().describe('The principal of a token, or the name of a caller of single sign-on.'),
        }),
      )
      .describe('The callers whose ids were asked for and are known.'),
  }),
  changes: () => false,
})

const onCaller = (action: 'block' | 'unblock') =>
  ({
    method: 'POST',
    path: `/api/v1/callers/${action}`,
    needs: 'govern',
    scoped: refused,
    verb: 'always',
    input: z.strictObject({
      caller: z
        .string('must be a text')
        .regex(/^oidc:[\x21-\x7e]{1,250}$/, 'must be the id of a caller of single sign-on, oidc:…')
        .describe('the caller as records name it, `oidc:…`'),
    }),
    output: z.object({
      caller: z.string().describe('The id of the caller, `oidc:…`.'),
      changed: z.boolean().describe('False where it was so already.'),
    }),
    changes: () => true,
    unconfirmed: true,
  }) as const

export const blockCaller = endpoint({
  ...onCaller('block'),
  meaning:
    'Refuses a caller of single sign-on, whatever the provider says, ends its sessions, and stops the changes of many jobs that it has begun.',
})

export const unblockCaller = endpoint({ ...onCaller('unblock'), meaning: 'Ends the block of a caller.' })
