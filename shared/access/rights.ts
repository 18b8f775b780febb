/** What an endpoint can need of its caller, and what the owner of each right may do: `may …`. */
export const rights = {
  identity: 'ask who it is',
  read: 'read jobs, counts, queues, workers and events',
  payloads: 'see payloads, results, attachments, stacks and error messages',
  records: 'read the records of changes',
  enqueue: 'enqueue jobs',
  work: 'take jobs, renew their leases and finish them',
  single: 'cancel a job and add attachments to it',
  queues: 'pause, drain, resume and throttle queues, set their thresholds and the limits of groups, and mark moments',
  propose: 'preview changes of many jobs, plan them for a person to decide, and reject its own plans',
  change: 'change many jobs, undo, stop and keep such changes, and hold jobs',
  edit: 'edit payloads and other values of many jobs, which changes what a worker will do',
  approve: 'approve or reject plans of other principals, and review their emergencies',
  break_glass: 'change more jobs than need an approval, without one, in an emergency',
  read_tokens: 'list tokens, without their secrets',
  govern: 'make and change tokens, block callers, set policies and the number of the approval, and erase jobs',
} as const

export type Right = keyof typeof rights

const isRight = (name: string): name is Right => Object.hasOwn(rights, name)

/** All rights, in the order in which they are shown. */
export const allRights: readonly Right[] = Object.keys(rights).filter(isRight)

/** Going past an approval is given to a token by name, also to an admin's. */
const adminRights = allRights.filter((right) => right !== 'break_glass')

/** A token without a role was made when nobody could edit jobs, and does not get the right by an update of the server. */
const formerRights = adminRights.filter((right) => right !== 'edit')

/**
 * What a token of each role may do. Tokens of version 0.1.0 are `legacy-admin`, and so is a token that is made
 * without a role.
 */
const roles = {
  viewer: ['identity', 'read', 'records'],
  auditor: ['identity', 'records', 'read_tokens'],
  producer: ['identity', 'enqueue'],
  worker: ['identity', 'work', 'single'],
  operator: ['identity', 'read', 'payloads', 'records', 'enqueue', 'single', 'queues', 'propose', 'change'],
  agent: ['identity', 'read', 'records', 'propose'],
  admin: adminRights,
  'legacy-admin': formerRights,
} as const satisfies Record<string, readonly Right[]>

export type Role = keyof typeof roles

/** The role of programs that look and propose, and decide nothing. */
export const agentRole = 'agent' satisfies Role

/** Whom a token of an agent is for. */
export const agentPrincipal = (of: string): string => `${of}'s agent`

/**
 * Rights that a session has only for a while after its login, and whose owners have short sessions: what they allow outlives the
 * session.
 */
export const strictRights: readonly Right[] = ['govern', 'approve']

export const isRole = (name: string): name is Role => Object.hasOwn(roles, name)

/** All roles, in the order in which they are shown. */
export const roleNames: readonly Role[] = Object.keys(roles).filter(isRole)

/** The roles that a token can be given. */
export const givenRoles = roleNames.filter((role) => role !== 'legacy-admin')

/** The roles that a token can get in place of another one: a program that is an agent stays one. */
export const setRoles = givenRoles.filter((role) => role !== agentRole)

/** What the grant of one token says. */
export interface Grant {
  role: string
  /** A worker that may also enqueue jobs. */
  may_enqueue: boolean
  /** It may approve plans of other principals. */
  approver?: boolean
  /** It may go past an approval in an emergency. */
  may_break_glass?: boolean
  /** An operator that may edit payloads. */
  may_edit?: boolean | undefined
  /** The person whose agent it is. */
  of?: string | null | undefined
}

/** The rights of a grant. A role that this version does not know, since a newer one has written it, has none. */
export function rightsOf({ role, may_enqueue, approver, may_break_glass, may_edit }: Grant): ReadonlySet<Right> {
  if (!isRole(role)) return new Set()
  const more: Right[] = []
  if (may_enqueue) more.push('enqueue')
  if (approver) more.push('approve')
  if (may_break_glass) more.push('break_glass')
  if (may_edit) more.push('edit')
  return new Set<Right>([...roles[role], ...more])
}

/** Why a role cannot have what a grant adds to it, and the field that says so; undefined where it can. */
export function faultOfGrant({ role, may_enqueue, approver, may_break_glass, may_edit, of }: Grant) {
  if (role === agentRole && !of)
    return {
      field: 'of',
      message: 'is needed for the role agent: the principal of the person whose agent it is',
    } as const
  if (of && role !== agentRole) return { field: 'of', message: 'belongs to the role agent' } as const
  if (may_enqueue && role !== 'worker') return { field: 'may_enqueue', message: 'belongs to the role worker' } as const
  const may = rightsOf({ role, may_enqueue: false })
  if (approver && (role === agentRole || !may.has('records')))
    return { field: 'approver', message: 'belongs to the roles viewer, auditor, operator and admin' } as const
  if (may_break_glass && !may.has('change'))
    return { field: 'may_break_glass', message: 'belongs to the roles operator and admin' } as const
  if (may_edit && role !== 'operator')
    return { field: 'may_edit', message: 'belongs to the role operator; an admin may edit without it' } as const
  return undefined
}

/** The roles with a right that a token can be given, for people: `operator or admin`. */
export const rolesWith = (right: Right): string => {
  const names = givenRoles.filter((role) => rightsOf({ role, may_enqueue: false }).has(right))
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` : (names[0] ?? '')
}
