import * as z from 'zod'
import { faultOfGrant, givenRoles } from '../../shared/access/rights.ts'
import { mayHaveScope, TokenScope } from '../../shared/access/token-scope.ts'

const Entry = z
  .strictObject({
    /** The name of a claim, or a path to it with dots. */
    claim: z.string().min(1).max(256),
    /** What the claim is, or has among its values. */
    value: z.string().min(1).max(1024),
    role: z.enum(givenRoles),
    may_enqueue: z.boolean().default(false),
    /** What callers with this role are limited to; absent for no limit. */
    scope: TokenScope.optional(),
  })
  .refine((grant) => faultOfGrant(grant) === undefined, 'the role cannot have what is added to it')
  .refine(({ role, scope }) => !scope || mayHaveScope(role), 'the role has no scope')

/** What roles single sign-on gives, by the claims of a token: the first entry that fits decides. */
const RoleMap = z.array(Entry).min(1).max(1000)
export type RoleMap = z.output<typeof RoleMap>

/** Undefined for a text that is no map of roles. */
export function readRoleMap(text: string): RoleMap | undefined {
  try {
    return RoleMap.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}
