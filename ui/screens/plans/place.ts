import type { Answer } from '../../api/call.ts'

type Plan = Answer<'listPlans'>[number]

/** Where a plan changes jobs: `chatbooks/default/export`, or that it is everywhere. */
export const placeOf = ({ domain, queue, job_type }: Pick<Plan, 'domain' | 'queue' | 'job_type'>): string =>
  domain === null && queue === null && job_type === null
    ? 'every domain'
    : [domain ?? '*', queue ?? '*', job_type ?? '*'].join('/').replace(/(\/\*)+$/, '')
