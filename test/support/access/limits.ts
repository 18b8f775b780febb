import fc from 'fast-check'

const domain = fc.constantFrom('a', 'b', 'A')
const queue = fc.constantFrom('q', 'r')
const jobType = fc.constantFrom('t', 'u')

/** A scope of a token over few names, so that scopes meet. */
export const scope = fc
  .record({
    domains: fc.uniqueArray(domain, { maxLength: 2 }),
    queues: fc.uniqueArray(fc.record({ domain, queue }), {
      selector: (one) => `${one.domain}/${one.queue}`,
      maxLength: 2,
    }),
    job_types: fc.uniqueArray(jobType, { maxLength: 2 }),
    cascade: fc.boolean(),
  })
  .filter(({ domains, queues, job_types }) => domains.length + queues.length + job_types.length > 0)

const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

/** A filter, and the scope of its caller where it has one. */
export const limits = fc.record({
  domain: maybe(domain),
  queue: maybe(queue),
  job_type: maybe(jobType),
  within: maybe(scope),
})

/** Where a job can be; the last name of each list is in no filter and no scope. */
export interface Place {
  domain: string
  queue: string
  job_type: string
}
export const places: readonly Place[] = ['a', 'b', 'A', 'other'].flatMap((domain) =>
  ['q', 'r', 'other'].flatMap((queue) => ['t', 'u', 'other'].map((job_type) => ({ domain, queue, job_type }))),
)
