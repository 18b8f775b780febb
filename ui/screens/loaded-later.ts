/** Screens that are loaded when the first of them is opened: nobody waits for them at the first. */
export { Events } from './events/events.tsx'
export { History } from './history/history.tsx'
export { ShowPlan } from './plans/plan.tsx'
export { Plans } from './plans/plans.tsx'
