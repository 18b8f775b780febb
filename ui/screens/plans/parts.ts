import type { Answer } from '../../api/call.ts'
import { serverNow } from '../../state/now.ts'

type Plan = Answer<'showPlan'>

/** How many jobs a plan changes before the others; undefined for one that changes all at once. */
export const firstOf = ({ request: { limit }, count }: Pick<Plan, 'request' | 'count'>): number | undefined =>
  typeof limit === 'number' && limit < count ? limit : undefined

/** True for a plan that was applied to its first jobs alone. An older server does not report the others. */
const isOfFirst = (plan: Plan): boolean =>
  plan.state === 'applied' &&
  plan.decision !== 'rejected' &&
  firstOf(plan) !== undefined &&
  (plan.rest_operation_id ?? null) === null

const isOver = ({ expires_at }: Plan): boolean => Date.parse(expires_at) <= serverNow()

/** True for a plan that was applied to its first jobs, and that may be applied to the others. */
export const leavesOthers = (plan: Plan): boolean => isOfFirst(plan) && !isOver(plan)

/** True for a plan whose term ended before it was applied to the others. */
export const hasLeftOthers = (plan: Plan): boolean => isOfFirst(plan) && isOver(plan)
