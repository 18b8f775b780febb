import { scopeText } from '../../../shared/access/scope-text.ts'
import { isBulkKind } from '../../../shared/changes/kinds.ts'
import type { PlanState } from '../../../shared/plans/plan-states.ts'
import type { Answer } from '../../api/call.ts'
import { serverNow } from '../../state/page.ts'
import { type ChangeKind, type Counted, knownKind } from '../change/kinds.ts'

/** The change of a plan, as the confirmation and the course of its application need it. */
type PlanKind = Counted & Partial<Pick<ChangeKind, 'ends'>>

/** The kind of a plan that applies a policy, and changes no job by itself. */
export const policyKind = 'policy'

/** @param kind as the plan has it; a later server may have further ones */
export function planKind(kind: string): PlanKind {
  const endpoint = 'applyPlan'
  if (isBulkKind(kind)) return { ...knownKind(kind), endpoint }
  const label = kind === policyKind ? 'Apply policy' : `Change (${kind})`
  return { endpoint, label, done: 'changed', countedBy: 'affected' }
}

type ListedPlan = Answer<'listPlans'>[number]

/** Where a plan changes jobs: `chatbooks/default/export`, `every domain, within domain chatbooks`, or that the rules of a policy say it. */
export function placeOf({ kind, scope, ...filter }: ListedPlan): string {
  if (kind === policyKind) return 'as its rules say'
  return scope ? `${filterText(filter)}, within ${scopeText(scope)}` : filterText(filter)
}

const filterText = ({ domain, queue, job_type }: Pick<ListedPlan, 'domain' | 'queue' | 'job_type'>): string =>
  domain === null && queue === null && job_type === null
    ? 'every domain'
    : [domain ?? '*', queue ?? '*', job_type ?? '*'].join('/').replace(/(\/\*)+$/, '')

/** What each state of a plan means, and what comes next. */
const states: Readonly<Record<PlanState, string>> = {
  waiting: 'Nothing has changed yet: another principal decides.',
  approved: 'Nothing has changed yet: its author or its approver applies it, once.',
  applied: 'It was applied, and cannot be applied again.',
  rejected: 'It was rejected, and changes nothing.',
  expired: 'Its time is over, and it changes nothing. Plan it again.',
  withdrawn:
    'Its author or its approver may not do any more what it takes: blocked, or their token revoked, suspended, expired, or with another role or scope. Plan it again.',
  stale: 'The database was restored or has failed over since. Plan it again.',
}

/** All states, in the order in which they are offered. */
export const planStates = Object.keys(states)

/** For whom a plan was made: the principal of its author, or the person of the agent that is its author. */
export const personOfPlan = ({ agent, author_principal }: Pick<ListedPlan, 'agent' | 'author_principal'>) =>
  agent ? agent.of : author_principal

/** What the plan of an agent means while nobody has decided. */
export const meaningOfAgents = (of: string | null): string =>
  `Nothing has changed yet: ${of ?? 'the person of the agent'} applies it or rejects it; a larger one another principal approves first.`

/** What a state means; nothing for one that this version does not know. */
export const meaningOf = (state: string): string => new Map(Object.entries(states)).get(state) ?? ''

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
