import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { optional, preset, Time, wholeNumber } from '../scope.ts'
import { documentsOfIds, filteredRequest, spreadSeconds } from './filtered-change.ts'
import { ChangedJobs } from './named-ids.ts'

/** Ten years, in seconds. */
const longest = 10 * 366 * 24 * 3600

/** When the jobs are due; one of the three, and without one of them now. */
const dueFields = {
  delay_seconds: optional(wholeNumber(0, longest)).describe('the number of seconds from now'),
  available_at: optional(Time).describe('the jobs can run from this time on'),
  by_seconds: optional(wholeNumber(-longest, longest)).describe(
    'the number of seconds later than planned; less than 0 is earlier',
  ),
  spread_seconds: spreadSeconds,
}

const isOneTime = (request: { delay_seconds?: unknown; available_at?: unknown; by_seconds?: unknown }): boolean =>
  [request.delay_seconds, request.available_at, request.by_seconds].filter((value) => value !== undefined).length <= 1

export const RescheduleRequest = filteredRequest(dueFields).refine(isOneTime, {
  path: ['delay_seconds'],
  message: ', available_at and by_seconds exclude each other',
})
export type RescheduleRequest = z.output<typeof RescheduleRequest>

export const reschedule = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch/reschedule',
  meaning:
    'Moves the time from which queued jobs can run. Without a time the jobs are due now; jobs that are due already then keep their place.',
  needs: 'change',
  scoped: 'narrowed',
  verb: 'reschedule',
  input: RescheduleRequest,
  output: ChangedJobs,
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})

const ShiftRequest = filteredRequest({
  set_now: preset(z.boolean('must be true or false'), true).describe('true makes the jobs due now'),
  delta_seconds: optional(wholeNumber(-longest, longest)).describe(
    'with `set_now: false`: the number of seconds later than planned; less than 0 is earlier',
  ),
})
  .refine((request) => request.set_now || request.delta_seconds !== undefined, {
    path: ['delta_seconds'],
    message: 'is required when set_now is false',
  })
  // The fields of `reschedule` in place of its own two.
  .transform(({ set_now, delta_seconds, ...request }): RescheduleRequest => {
    return set_now ? { ...request, delay_seconds: 0 } : { ...request, by_seconds: delta_seconds }
  })

export const rescheduleShift = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/reschedule',
  meaning: 'The same with the fields that clients of the other server send.',
  needs: 'change',
  scoped: 'narrowed',
  verb: 'reschedule',
  input: ShiftRequest,
  output: ChangedJobs,
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
