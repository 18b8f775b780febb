import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Domain, optional, preset, Queue, wholeNumber } from '../scope.ts'
import { text } from '../work/job.ts'

/** What a queue is throttled to. Each of the two may be missing. */
export const Throttle = z.object({
  running: Count.nullable().describe('the most jobs that run at the same time; null for any number'),
  per_minute: Count.nullable().describe('the most jobs that begin in a minute, evenly spaced; null for any number'),
})
export type Throttle = z.output<typeof Throttle>

/** Why a throttled queue gave fewer jobs than were asked for. */
export const Limited = z.object({
  running: Count.nullable().describe(
    'running jobs of the queue, at most one more than `of`; null without a limit of their number',
  ),
  of: Count.nullable().describe('the most that may run at the same time; null where only their rate is limited'),
  others: Count.nullable().describe(
    'those among `running` that no server leased: their workers work in plain SQL, and no throttle holds them back',
  ),
  per_minute: Count.nullable().describe(
    'the most jobs that begin in a minute; null where only their number is limited',
  ),
  retry_in_seconds: z
    .number()
    .describe('seconds until the next job may begin by `per_minute`; 0 where a place must come free'),
})
export type Limited = z.output<typeof Limited>

export const ThrottleRequest = z
  .strictObject({
    domain: Domain,
    queue: Queue,
    running: wholeNumber(1, 10_000)
      .nullish()
      .describe('the most jobs of the queue that run at the same time; null for any number; left out, it stays'),
    per_minute: wholeNumber(1, 60_000)
      .nullish()
      .describe('the most jobs of the queue that begin in a minute; null for any number; left out, it stays'),
    reason: optional(text(500)).describe('why, for the event'),
    must_exist: preset(z.boolean('must be true or false'), false).describe(
      'true answers 404 for a queue that never had a job, a stop or a throttle, and changes nothing',
    ),
  })
  .refine(({ running, per_minute }) => running !== undefined || per_minute !== undefined, {
    path: ['running'],
    message: 'is required where per_minute is left out; null for both ends the throttle',
  })
export type ThrottleRequest = z.output<typeof ThrottleRequest>

export const throttleQueue = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/queue/throttle',
  meaning:
    'Limits how many jobs of a queue run at the same time, or begin in a minute, for workers that acquire over HTTP; null for both ends it.',
  needs: 'queues',
  scoped: 'narrowed',
  verb: 'throttle',
  input: ThrottleRequest,
  output: Throttle.extend({
    known: z.boolean().describe('false for a queue that never had a job, a stop or a throttle before'),
    before: Throttle.describe('the throttle before the change'),
  }),
  changes: () => true,
  unconfirmed: true,
})
