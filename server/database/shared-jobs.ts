import type { TokenScope } from '../../shared/access/token-scope.ts'
import type { Scope } from '../../shared/scope.ts'

/** A filter together with what its caller is limited to. */
export interface Limits extends Scope {
  /** Undefined for a caller that is not limited. */
  within?: TokenScope | undefined
}

/** A domain, a queue of it, or with neither the whole database. */
type QueueScope = Pick<Scope, 'domain' | 'queue'>

const agree = (one: string | undefined, other: string | undefined): boolean =>
  one === undefined || other === undefined || one === other

const meet = (one: QueueScope, other: QueueScope): boolean =>
  agree(one.domain, other.domain) && agree(one.queue, other.queue)

/** The domains and queues of the jobs of the limits; none where the filter and the scope exclude each other. */
function queueScopesOf({ domain, queue, within }: Limits): QueueScope[] {
  const { domains = [], queues = [] } = within ?? {}
  const allowed: QueueScope[] = [...domains.map((name) => ({ domain: name })), ...queues]
  const named = { domain, queue }
  return (allowed.length === 0 ? [{}] : allowed)
    .filter((one) => meet(one, named))
    .map((one: QueueScope) => ({ domain: one.domain ?? domain, queue: one.queue ?? queue }))
}

/** The types of the jobs of the limits; undefined means every type. */
function typesOf({ job_type, within }: Limits): string[] | undefined {
  const allowed = within && within.job_types.length > 0 ? within.job_types : undefined
  if (job_type === undefined) return allowed
  return allowed === undefined || allowed.includes(job_type) ? [job_type] : []
}

/** True where a job could lie within the limits of both, whatever jobs there are. */
export function mayShareJobs(one: Limits, other: Limits): boolean {
  if (!typesMeet(typesOf(one), typesOf(other))) return false
  const scopes = queueScopesOf(other)
  return queueScopesOf(one).some((scope) => scopes.some((there) => meet(scope, there)))
}

const typesMeet = (one: string[] | undefined, other: string[] | undefined): boolean =>
  one === undefined ? other?.length !== 0 : one.some((type) => other === undefined || other.includes(type))

const onlyOne = (values: readonly (string | undefined)[]): string | undefined =>
  values.every((value) => value === values[0]) ? values[0] : undefined

/** What all jobs of the limits have in common: a field is undefined where they may differ. */
export function commonScope(limits: Limits): Scope {
  const scopes = queueScopesOf(limits)
  return {
    domain: onlyOne(scopes.map(({ domain }) => domain)),
    queue: onlyOne(scopes.map(({ queue }) => queue)),
    job_type: onlyOne(typesOf(limits) ?? []),
  }
}
