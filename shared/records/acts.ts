/**
 * The acts of operators and admins that are no change of many jobs. Each is a record in the hash chain. Their kinds have a dot, and those
 * of bulk changes have none.
 */
export const actKinds = [
  'token.created',
  'token.role_set',
  'token.scope_set',
  'token.limits_set',
  'token.rotated',
  'token.suspended',
  'token.resumed',
  'token.revoked',
  'session.opened',
  'session.ended',
  'caller.blocked',
  'caller.unblocked',
  'queue.paused',
  'queue.drained',
  'queue.resumed',
  'queue.threshold_set',
  'queue.throttle_set',
  'limits.set',
  'limits.deleted',
  'hold.added',
  'hold.removed',
  'operation.kept',
  'policy.applied',
  'operation.reviewed',
  'plan.approved',
  'plan.rejected',
  'approval.set',
  'database.frozen',
  'database.thawed',
  'database.direct_set',
  'database.adopted',
  'preview_key.rotated',
  'agent_session.opened',
  'agents.on',
  'agents.off',
] as const
export type ActKind = (typeof actKinds)[number]

/** True for the kind of an act; a later version may know further ones. */
export const isAct = (kind: string): boolean => kind.includes('.')
