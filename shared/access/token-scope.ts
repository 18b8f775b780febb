import * as z from 'zod'
import { preset, QueueName, queueNames, type Scope, ScopeName } from '../scope.ts'
import { scopeText } from './scope-text.ts'

export { scopeText }

const mostNames = 100
const listOf = <T extends z.ZodType>(item: T) =>
  z.array(item, 'must be a list').max(mostNames, `must have at most ${mostNames} entries`)

/**
 * What a token is limited to: jobs whose domain is in `domains` or whose queue is in `queues`, and of these the jobs of `job_types`. A
 * list without entries limits nothing.
 */
export const TokenScope = z
  .strictObject({
    domains: preset(listOf(ScopeName), []),
    queues: preset(listOf(z.strictObject({ domain: ScopeName, queue: QueueName })), []),
    job_types: preset(listOf(QueueName), []),
    cascade: preset(z.boolean('must be true or false'), false).describe(
      'Changes of the token may end jobs outside that depend on the jobs which they end.',
    ),
  })
  .refine(
    ({ domains, queues, job_types }) => domains.length + queues.length + job_types.length > 0,
    'must name a domain, a queue or a job type; null limits nothing',
  )
export type TokenScope = z.output<typeof TokenScope>

/** A scope as answers have it. */
export const ShownScope = z.object({
  domains: z.array(z.string()).describe('The domains that are allowed whole.'),
  queues: z.array(z.object(queueNames)).describe('The single queues that are allowed, beside `domains`.'),
  job_types: z.array(z.string()).describe('The job types that are allowed; empty for all.'),
  cascade: z.boolean().describe('True where changes may take along dependent jobs outside of the scope.'),
})

/** The roles whose tokens can have a scope: the others are about the whole database. */
export const scopedRoles = ['viewer', 'producer', 'worker', 'operator', 'agent'] as const

export const mayHaveScope = (role: string): boolean => scopedRoles.some((one) => one === role)

/** True where every job of the filter lies within the scope, whatever jobs there are. */
export function liesWithin({ domains, queues, job_types }: TokenScope, { domain, queue, job_type }: Scope): boolean {
  const inDomain = domains.some((one) => one === domain)
  const inQueue = queues.some((one) => one.domain === domain && one.queue === queue)
  const inPlace = domains.length + queues.length === 0 || inDomain || inQueue
  return inPlace && (job_types.length === 0 || job_types.some((one) => one === job_type))
}

/** True where the scope may have jobs of the domain. */
export const mayMeet = ({ domains, queues }: TokenScope, domain: string): boolean =>
  domains.length + queues.length === 0 || domains.includes(domain) || queues.some((queue) => queue.domain === domain)

/** The same with what a token may do beyond it. */
export const limitText = (scope: TokenScope): string =>
  `${scopeText(scope)}${scope.cascade ? ', and may end dependents outside' : ''}`

/**
 * The scope of the flags `--domain`, `--queue domain/queue` and `--job-type`. A domain with a slash in its name cannot be named in a queue.
 * @returns undefined without flags, or the text of a queue that has no domain
 */
export function scopeOfFlags({ domain = [], queue = [], jobType = [], cascade = false }: ScopeFlags) {
  const wrong = queue.find((text) => !/^[^/]+\/./.test(text))
  if (wrong !== undefined) return { wrong }
  if (domain.length + queue.length + jobType.length === 0 && !cascade) return { scope: undefined }
  const queues = queue.map((text) => {
    const at = text.indexOf('/')
    return { domain: text.slice(0, at), queue: text.slice(at + 1) }
  })
  return { scope: { domains: domain, queues, job_types: jobType, cascade } }
}

/** The flags of both programs that make a scope. */
export interface ScopeFlags {
  domain?: string[]
  queue?: string[]
  jobType?: string[]
  cascade?: boolean
}
