/**
 * `waiting` for somebody to decide; `approved`, `rejected`; `applied`; `expired` at the end of its term; `withdrawn` where
 * its author or its approver was blocked, or has a token that was revoked, suspended, expired, or given another role or scope; `stale` after a failover or a restore. What is withdrawn or
 * stale is never applied, and may be rejected, as may what is approved, and what is applied to its first jobs only.
 */
export const planStates = ['waiting', 'approved', 'rejected', 'applied', 'expired', 'withdrawn', 'stale'] as const
export type PlanState = (typeof planStates)[number]

/** Where plans are proposed and listed. */
export const plansPath = '/api/v1/jobs/plans'
