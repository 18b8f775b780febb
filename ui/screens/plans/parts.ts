import type { Answer } from '../../api/call.ts'

type Plan = Answer<'showPlan'>

/** How many jobs a plan changes before the others; undefined for one that changes all at once. */
export const firstOf = ({ request: { limit }, count }: Pick<Plan, 'request' | 'count'>): number | undefined =>
  typeof limit === 'number' && limit < count ? limit : undefined

/** True for a plan that was applied to its first jobs, and that may be applied to the others. An older server does not tell of these. */
export const leavesOthers = (plan: Plan): boolean =>
  plan.state === 'applied' &&
  plan.decision !== 'rejected' &&
  firstOf(plan) !== undefined &&
  (plan.rest_operation_id ?? null) === null
