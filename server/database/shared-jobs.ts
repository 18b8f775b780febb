import type { TokenScope } from '../../shared/access/token-scope.ts'
import type { Scope } from '../../shared/scope.ts'

/** A filter together with what its caller is limited to. */
export interface Limits extends Scope {
  /** Undefined for a caller that is not limited. */
  within?: TokenScope | undefined
}

/** A domain, a queue of it, or with neither the whole database. */
type Place = Pick<Scope, 'domain' | 'queue'>

const agree = (one: string | undefined, other: string | undefined): boolean =>
  one === undefined || other === undefined || one === other

const meet = (one: Place, other: Place): boolean => agree(one.domain, other.domain) && agree(one.queue, other.queue)

/** The places in which the jobs of the limits are; none where the filter and the scope exclude each other. */
function placesOf({ domain, queue, within }: Limits): Place[] {
  const { domains = [], queues = [] } = within ?? {}
  const allowed: Place[] = [...domains.map((name) => ({ domain: name })), ...queues]
  const named = { domain, queue }
  return (allowed.length === 0 ? [{}] : allowed)
    .filter((place) => meet(place, named))
    .map((place: Place) => ({ domain: place.domain ?? domain, queue: place.queue ?? queue }))
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
  const places = placesOf(other)
  return placesOf(one).some((place) => places.some((there) => meet(place, there)))
}

const typesMeet = (one: string[] | undefined, other: string[] | undefined): boolean =>
  one === undefined ? other?.length !== 0 : one.some((type) => other === undefined || other.includes(type))

const onlyOne = (values: readonly (string | undefined)[]): string | undefined =>
  values.every((value) => value === values[0]) ? values[0] : undefined

/** What all jobs of the limits have in common: a field is undefined where they may differ. */
export function commonScope(limits: Limits): Scope {
  const places = placesOf(limits)
  return {
    domain: onlyOne(places.map(({ domain }) => domain)),
    queue: onlyOne(places.map(({ queue }) => queue)),
    job_type: onlyOne(typesOf(limits) ?? []),
  }
}
