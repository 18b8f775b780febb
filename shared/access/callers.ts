import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { queryNumber } from '../scope.ts'

/** A caller of single sign-on who has logged in in a browser, or is blocked. */
export const KnownCaller = z.object({
  /** Names the caller in records and events. */
  id: z.string(),
  name: z.string(),
  /** Null for a caller who was blocked before any login. */
  issuer: z.string().nullable(),
  subject: z.string().nullable(),
  /** The last login, or the block of somebody who has not logged in. */
  seen_at: z.string(),
  blocked_at: z.string().nullable(),
})
export type KnownCaller = z.output<typeof KnownCaller>

const refused = { refused: 'callers are about all domains' } as const

/** The callers of single sign-on, the last login first. */
export const listCallers = endpoint({
  method: 'GET',
  path: '/api/v1/callers',
  needs: 'read_tokens',
  scoped: refused,
  input: z.strictObject({ limit: queryNumber(1, 1000, 1000) }),
  output: z.array(KnownCaller),
  changes: () => false,
})

const onCaller = (action: 'block' | 'unblock') =>
  endpoint({
    method: 'POST',
    path: `/api/v1/callers/${action}`,
    needs: 'govern',
    scoped: refused,
    input: z.strictObject({
      /** As records have it. */
      caller: z
        .string('must be a text')
        .regex(/^oidc:[\x21-\x7e]{1,250}$/, 'must be the id of a caller of single sign-on, oidc:…'),
    }),
    /** `changed` is false where it was so already. */
    output: z.object({ caller: z.string(), changed: z.boolean() }),
    changes: () => true,
    unconfirmed: true,
  })

/** Refuses a caller of single sign-on, whatever the provider says, and ends its sessions. */
export const blockCaller = onCaller('block')

/** Ends the block of a caller. */
export const unblockCaller = onCaller('unblock')
