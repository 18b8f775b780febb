import type { RoleMap } from '../../env/role-map.ts'

/** What a token of the provider says. */
export type Claims = Readonly<Record<string, unknown>>

/** The entry of the first claim that fits; undefined where none does. */
export const grantOfClaims = (roles: RoleMap, claims: Claims): RoleMap[number] | undefined =>
  roles.find(({ claim, value }) => valuesOf(claims, claim).includes(value))

/** The claims that the map looks at, to be kept with a session. */
export const neededClaims = (roles: RoleMap, claims: Claims): Claims =>
  Object.fromEntries(roles.map(({ claim }) => [claim, valuesOf(claims, claim)]))

/** The texts of a claim: of its name, or else of the path that its name is, such as `realm_access.roles`. */
function valuesOf(claims: Claims, claim: string): string[] {
  const found = Object.hasOwn(claims, claim) ? claims[claim] : claim.split('.').reduce<unknown>(within, claims)
  return [found].flat().filter((value): value is string => typeof value === 'string')
}

const within = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? new Map(Object.entries(value)).get(name)
    : undefined
