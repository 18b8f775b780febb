import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { optional, preset, queryNumber, ScopeName, scopeFields, wholeNumber } from '../scope.ts'
import { text } from '../work/job.ts'

const groupFields = { domain: ScopeName, queue: ScopeName, job_type: ScopeName }

const Seconds = optional(wholeNumber(0, 2 ** 31 - 1))

/** Sets both limits of a group; a limit that is not sent is no limit. */
export const setSlaPolicy = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/sla/policy',
  needs: 'queues',
  scoped: 'narrowed',
  input: z.strictObject({
    ...groupFields,
    max_queue_latency_seconds: Seconds,
    max_duration_seconds: Seconds,
    enabled: preset(z.boolean('must be true or false'), true),
  }),
  output: z.object({ ok: z.literal(true) }),
  changes: () => true,
  unconfirmed: true,
})

export const deleteSlaPolicy = endpoint({
  method: 'DELETE',
  path: '/api/v1/jobs/sla/policy',
  needs: 'queues',
  scoped: 'narrowed',
  input: z.strictObject(groupFields),
  output: z.object({ ok: z.literal(true) }),
  changes: () => true,
  unconfirmed: true,
})

const seconds = z.number().nullable()

const SlaPolicy = z.object({
  domain: z.string(),
  queue: z.string(),
  job_type: z.string(),
  max_queue_latency_seconds: seconds,
  max_duration_seconds: seconds,
  enabled: z.boolean(),
  updated_at: z.string().nullable(),
})
export type SlaPolicy = z.output<typeof SlaPolicy>

export const listSlaPolicies = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/sla/policies',
  needs: 'read',
  scoped: 'narrowed',
  input: z.strictObject(scopeFields),
  output: z.array(SlaPolicy),
  changes: () => false,
})

/** A live job over a limit of its group. The two fields of a limit are there only where the job is over it. */
const SlaBreach = z.object({
  job_id: z.number(),
  domain: z.string(),
  queue: z.string(),
  job_type: z.string(),
  status: z.string(),
  breach_kinds: z.array(z.enum(['queue_latency', 'duration'])),
  /** The time from its creation until now, or until a worker took it. */
  wait_seconds: z.number().optional(),
  max_wait_seconds: z.number().optional(),
  /** The time since it was started. */
  processing_seconds: z.number().optional(),
  max_processing_seconds: z.number().optional(),
})
export type SlaBreach = z.output<typeof SlaBreach>

const BreachesRequest = z.strictObject({
  ...scopeFields,
  limit: queryNumber(1, 1000, 1000),
  /** The position from which the list goes on, as the header `Link` of the page before has it. */
  cursor: optional(text(4096)),
})
export type BreachesRequest = z.output<typeof BreachesRequest>

/** Queued and running jobs over a limit of their group, the oldest first, in pages by the header `Link`. */
export const listSlaBreaches = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/sla/breaches',
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  input: BreachesRequest,
  output: z.array(SlaBreach),
  changes: () => false,
})
