import { scopeText } from '../../../shared/access/scope-text.ts'
import type { Answer } from '../../api/call.ts'
import { policyKind } from './plan-kind.ts'

type Plan = Answer<'listPlans'>[number]

/** Where a plan changes jobs: `chatbooks/default/export`, `every domain, within domain chatbooks`, or that the rules of a policy say it. */
export function placeOf({ kind, scope, ...filter }: Plan): string {
  if (kind === policyKind) return 'as its rules say'
  return scope ? `${filterText(filter)}, within ${scopeText(scope)}` : filterText(filter)
}

const filterText = ({ domain, queue, job_type }: Pick<Plan, 'domain' | 'queue' | 'job_type'>): string =>
  domain === null && queue === null && job_type === null
    ? 'every domain'
    : [domain ?? '*', queue ?? '*', job_type ?? '*'].join('/').replace(/(\/\*)+$/, '')
