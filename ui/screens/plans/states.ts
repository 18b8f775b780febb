import type { PlanState } from '../../../shared/plans/plan-states.ts'

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

/** What a state means; nothing for one that this version does not know. */
export const meaningOf = (state: string): string => new Map(Object.entries(states)).get(state) ?? ''
