import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Instant, preset, queryNumber, ScopeName, wholeNumber } from '../scope.ts'
import { mayHaveLimits, type TokenLimits, tokenLimits } from './limits.ts'
import { faultOfGrant, type Grant, givenRoles, setRoles } from './rights.ts'
import { mayHaveScope, ShownScope, scopedRoles, TokenScope } from './token-scope.ts'

const time = Instant.nullable()

/** A token without its secret. */
export const Token = z.object({
  id: z.string().describe('The id of the token, by which records and events name its caller.'),
  name: z.string().describe('The name of the token.'),
  role: z.string().describe('The role of the token.'),
  may_enqueue: z.boolean().describe('A worker that may also enqueue jobs.'),
  approver: z.boolean().describe('It may approve plans of other principals.'),
  may_break_glass: z.boolean().describe('It may go past an approval in an emergency.'),
  may_edit: z.boolean().optional().describe('An operator that may edit payloads. Servers up to 0.2.0 do not send it.'),
  of: z
    .string()
    .nullable()
    .optional()
    .describe('The person whose agent it is; null for a token of another role. Servers up to 0.2.0 do not send it.'),
  scope: ShownScope.nullable().describe('What the token is limited to; null for a token that is not limited.'),
  max_per_change: Count.nullable().describe(
    'The most jobs that one change of many jobs may touch; null limits nothing.',
  ),
  max_per_day: Count.nullable().describe(
    'The most jobs that changes of all tokens of its principal may have touched in 24 hours; null limits nothing.',
  ),
  principal: z.string().describe('Whom the token is for.'),
  made_by: z
    .string()
    .nullable()
    .describe(
      'The id of the caller who made it; `jobs-server` for one that was made on the database, null where nobody knows.',
    ),
  secrets_by: z
    .array(z.string())
    .describe(
      'The ids of the callers that may know its secret, since they made or rotated it: for approvals they are no other person.',
    ),
  created_at: Instant.describe('When the token was made.'),
  last_used_at: time.describe('Up to a minute old.'),
  last_used_from: z.string().nullable().describe('The address from which it was used then.'),
  expires_at: time.describe('Null for a token that never expires.'),
  suspended_at: time.describe('Since when the token is suspended; null where it is not.'),
  revoked_at: time.describe('When the token was revoked; null where it was not.'),
  previous_until: time.describe('Until when the secret before the last rotation is taken; null where it is not.'),
})
export type Token = z.output<typeof Token>

/** A token with its secret, of which this is the only copy. */
export const NewToken = Token.extend({ token: z.string().describe('The secret. This answer is its only copy.') })

export const Role = z.enum(givenRoles, `must be one of ${givenRoles.join(', ')}`)

const grantFields = {
  /** Belongs to the role worker. */
  may_enqueue: preset(z.boolean('must be true or false'), false).describe('a worker that may also enqueue jobs'),
  approver: preset(z.boolean('must be true or false'), false).describe('it may approve plans of other principals'),
  may_break_glass: preset(z.boolean('must be true or false'), false).describe(
    'it may go past an approval in an emergency (`X-Emergency`)',
  ),
  may_edit: preset(z.boolean('must be true or false'), false).describe(
    'an operator that may edit payloads, which an admin may without it',
  ),
}

/** Refuses a grant whose role cannot have what it adds. */
function refuseGrant(context: z.core.ParsePayload<Grant>): void {
  const fault = faultOfGrant(context.value)
  if (fault) context.issues.push({ code: 'custom', path: [fault.field], message: fault.message, input: context.value })
}

const hasLimits = ({ max_per_change, max_per_day }: TokenLimits): boolean =>
  (max_per_change ?? max_per_day ?? undefined) !== undefined

/** The days after which a token of a role expires where nothing is said. */
export const daysOfRole = (role: string): number => (role === 'admin' ? 30 : 90)

export const makeToken = endpoint({
  method: 'POST',
  path: '/api/v1/tokens',
  meaning: 'Makes a token with a role. `token` of the answer is the only copy of it.',
  needs: 'govern',
  scoped: { refused: 'tokens are about all domains' },
  verb: 'always',
  input: z
    .strictObject({
      name: ScopeName.describe('the name of the token, for people'),
      role: Role.describe('the role of the token'),
      ...grantFields,
      of: ScopeName.optional().describe(
        'with the role `agent`: the person whose agent it is, the principal of a live token or a caller of single sign-on',
      ),
      scope: TokenScope.nullish().describe(
        'what the token is limited to: jobs of these `domains` and of these `queues` (`domain`, `queue`), and of them those of `job_types`; with `cascade` its changes may end dependents outside. Null limits nothing',
      ),
      ...tokenLimits,
      principal: ScopeName.optional().describe('whom the token is for; the principal of the caller when absent'),
      expires: z
        .union([wholeNumber(1, 36_500), z.literal('never')], 'must be a number of days, or never')
        .optional()
        .describe('days until the token expires, or `never`; when absent 90, and 30 of an admin'),
    })
    .check(refuseGrant)
    .refine(({ role, scope }) => !scope || mayHaveScope(role), {
      path: ['scope'],
      message: `belongs to the roles ${scopedRoles.join(', ')}`,
    })
    .refine((token) => !hasLimits(token) || mayHaveLimits(token.role), {
      path: ['max_per_change'],
      message: 'and max_per_day belong to roles that change many jobs',
    })
    .refine(({ of, principal }) => of === undefined || principal === undefined, {
      path: ['principal'],
      message: 'is that of the person for an agent: leave it out',
    }),
  output: NewToken,
  changes: () => true,
  unconfirmed: true,
  created: () => true,
})

export const listTokens = endpoint({
  method: 'GET',
  path: '/api/v1/tokens',
  meaning: 'The tokens without their secrets, the newest first.',
  needs: 'read_tokens',
  scoped: { refused: 'tokens are about all domains' },
  verb: 'always',
  input: z.strictObject({ limit: queryNumber(1, 1000, 1000).describe('at most this many') }),
  output: z.array(Token),
  changes: () => false,
})

const id = z
  .string()
  .regex(/^[0-9a-f]{12}$/, 'must be the id of a token, 12 hexadecimal digits')
  .describe('the id of the token')

export const showToken = endpoint({
  method: 'GET',
  path: '/api/v1/tokens/:id',
  meaning: 'One token without its secret.',
  needs: 'read_tokens',
  scoped: { refused: 'tokens are about all domains' },
  verb: 'always',
  input: z.strictObject({ id }),
  output: Token,
  changes: () => false,
})

export const setTokenRole = endpoint({
  method: 'POST',
  path: '/api/v1/tokens/:id/role',
  meaning:
    'Gives a token another role, at once and for every server. Its secret stays. 409 `conflict` for the token of an agent, which stays one.',
  needs: 'govern',
  scoped: { refused: 'tokens are about all domains' },
  verb: 'always',
  input: z
    .strictObject({
      id,
      role: z.enum(setRoles, `must be one of ${setRoles.join(', ')}`).describe('the role of the token'),
      ...grantFields,
    })
    .check(refuseGrant),
  output: Token,
  changes: () => true,
  unconfirmed: true,
})

/** Its secret stays. */
export const setTokenScope = endpoint({
  method: 'POST',
  path: '/api/v1/tokens/:id/scope',
  meaning:
    'Limits a token to domains, queues and job types, or with null to nothing, at once and for every server. Stops the changes of many jobs that it has begun. 409 `conflict` for a role without a scope.',
  needs: 'govern',
  scoped: { refused: 'tokens are about all domains' },
  verb: 'always',
  input: z.strictObject({
    id,
    scope: TokenScope.nullable().describe(
      'what the token is limited to: jobs of these `domains` and of these `queues` (`domain`, `queue`), and of them those of `job_types`; with `cascade` its changes may end dependents outside. Null limits nothing',
    ),
  }),
  output: Token,
  changes: () => true,
  unconfirmed: true,
})

export const setTokenLimits = endpoint({
  method: 'POST',
  path: '/api/v1/tokens/:id/limits',
  meaning:
    'Limits how many jobs the changes of many jobs of a token touch, at once and for every server. A limit that is absent stays, null takes it away. 409 `conflict` for a role that makes no such changes.',
  needs: 'govern',
  scoped: { refused: 'tokens are about all domains' },
  verb: 'always',
  input: z
    .strictObject({ id, ...tokenLimits })
    .refine((limits) => limits.max_per_change !== undefined || limits.max_per_day !== undefined, {
      path: ['max_per_change'],
      message: 'or max_per_day is needed',
    }),
  output: Token,
  changes: () => true,
  unconfirmed: true,
})

/** What a call without fields does to one token. */
const onToken = (action: 'suspend' | 'resume') =>
  ({
    method: 'POST',
    path: `/api/v1/tokens/:id/${action}`,
    needs: 'govern',
    scoped: { refused: 'tokens are about all domains' },
    verb: 'always',
    input: z.strictObject({ id }),
    output: Token,
    changes: () => true,
    unconfirmed: true,
  }) as const

export const suspendToken = endpoint({
  ...onToken('suspend'),
  meaning: 'Refuses a token until it is resumed, and stops the changes of many jobs that it has begun.',
})

export const resumeToken = endpoint({ ...onToken('resume'), meaning: 'Ends the suspension of a token.' })

export const revokeToken = endpoint({
  method: 'POST',
  path: '/api/v1/tokens/:id/revoke',
  meaning:
    'Ends a token for good, and stops the changes of many jobs that it has begun. 409 `conflict` where no usable token of an admin would be left.',
  needs: 'govern',
  scoped: { refused: 'tokens are about all domains' },
  verb: 'always',
  input: z.strictObject({
    id,
    tree: preset(z.boolean('must be true or false'), false).describe(
      'also the tokens that it made or rotated, and those that they made or rotated',
    ),
  }),
  output: Token,
  changes: () => true,
  unconfirmed: true,
})

/** A secret that was rotated works on for this long at most, in seconds: 7 days. */
export const longestOverlap = 604_800

export const rotateToken = endpoint({
  method: 'POST',
  path: '/api/v1/tokens/:id/rotate',
  meaning:
    'Gives a token a new secret under the same id: `token` of the answer is the only copy of it. The old one works on for the overlap, an older one ends. 409 `conflict` for a token that has ended.',
  needs: 'govern',
  scoped: { refused: 'tokens are about all domains' },
  verb: 'always',
  input: z.strictObject({
    id,
    overlap_seconds: preset(wholeNumber(0, longestOverlap), 86_400).describe(
      'seconds for which the old secret works on, up to 7 days; 0 ends it at once',
    ),
  }),
  output: NewToken,
  changes: () => true,
  unconfirmed: true,
})
