/** What an endpoint can need of its caller, and what the owner of each right may do: `may …`. */
export const rights = {
  identity: 'ask who it is',
  read: 'read jobs, counts, queues, workers and events',
  payloads: 'see payloads, results, attachments, stacks and error messages',
  records: 'read the records of changes',
  enqueue: 'enqueue jobs',
  work: 'take jobs, renew their leases and finish them',
  single: 'cancel a job and add attachments to it',
  queues: 'pause, drain and resume queues, set the limits of groups, and mark moments',
  change: 'change many jobs, undo, stop and keep such changes, and hold jobs',
  read_tokens: 'list tokens, without their secrets',
  govern: 'make and change tokens, set policies, freeze and erase jobs',
} as const

export type Right = keyof typeof rights

const isRight = (name: string): name is Right => Object.hasOwn(rights, name)

/** All rights, in the order in which they are shown. */
export const allRights: readonly Right[] = Object.keys(rights).filter(isRight)

/**
 * What a token of each role may do. Tokens from before there were roles are `legacy-admin`, and so is a token that is made
 * without a role.
 */
const roles = {
  viewer: ['identity', 'read', 'records'],
  auditor: ['identity', 'records', 'read_tokens'],
  producer: ['identity', 'enqueue'],
  worker: ['identity', 'work', 'single'],
  operator: ['identity', 'read', 'payloads', 'records', 'enqueue', 'single', 'queues', 'change'],
  admin: allRights,
  'legacy-admin': allRights,
} as const satisfies Record<string, readonly Right[]>

export type Role = keyof typeof roles

/**
 * Rights that a session has only for a while after its login, and whose owners have short sessions: what they allow outlives the
 * session.
 */
export const strictRights: readonly Right[] = ['govern']

export const isRole = (name: string): name is Role => Object.hasOwn(roles, name)

/** All roles, in the order in which they are shown. */
export const roleNames: readonly Role[] = Object.keys(roles).filter(isRole)

/** The roles that a token can be given. */
export const givenRoles = roleNames.filter((role) => role !== 'legacy-admin')

/** What the grant of one token says. */
export interface Grant {
  role: string
  /** A worker that may also enqueue jobs. */
  may_enqueue: boolean
}

/** The rights of a grant. A role that this version does not know, since a newer one has written it, has none. */
export function rightsOf({ role, may_enqueue }: Grant): ReadonlySet<Right> {
  if (!isRole(role)) return new Set()
  return new Set<Right>(may_enqueue ? [...roles[role], 'enqueue'] : roles[role])
}

/** The roles with a right that a token can be given, for people: `operator or admin`. */
export const rolesWith = (right: Right): string => {
  const names = givenRoles.filter((role) => rightsOf({ role, may_enqueue: false }).has(right))
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` : (names[0] ?? '')
}
