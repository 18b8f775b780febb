import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, optional, preset, wholeNumber } from '../scope.ts'
import { Time } from '../time.ts'
import { bulkAnswer } from './bulk-change.ts'
import { documentsOfIds, filteredRequest, spreadSeconds } from './filtered-change.ts'
import { namedAnswer } from './named-ids.ts'

/** Ten years, in seconds. */
const longest = 10 * 366 * 24 * 3600

/** When the jobs are due; one of the three, and without one of them now. */
const dueFields = {
  /** So many seconds from now. */
  delay_seconds: optional(wholeNumber(0, longest)),
  /** At this time. */
  available_at: optional(Time),
  /** So many seconds later than now planned; less than 0 is earlier. */
  by_seconds: optional(wholeNumber(-longest, longest)),
  /** Spreads the jobs evenly over this time from then on. */
  spread_seconds: spreadSeconds,
}

const isOneTime = (request: { delay_seconds?: unknown; available_at?: unknown; by_seconds?: unknown }): boolean =>
  [request.delay_seconds, request.available_at, request.by_seconds].filter((value) => value !== undefined).length <= 1

export const RescheduleRequest = filteredRequest(dueFields).refine(isOneTime, {
  path: ['delay_seconds'],
  message: ', available_at and by_seconds exclude each other',
})
export type RescheduleRequest = z.output<typeof RescheduleRequest>

const output = z.object({ affected: Count, ...namedAnswer, ...bulkAnswer })

/** Moves the time from which queued jobs can run. */
export const reschedule = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch/reschedule',
  needs: 'change',
  scoped: 'narrowed',
  input: RescheduleRequest,
  output,
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})

const ShiftRequest = filteredRequest({
  /** True makes the jobs due now; false moves them by `delta_seconds`. */
  set_now: preset(z.boolean('must be true or false'), true),
  delta_seconds: optional(wholeNumber(-longest, longest)),
})
  .refine((request) => request.set_now || request.delta_seconds !== undefined, {
    path: ['delta_seconds'],
    message: 'is required when set_now is false',
  })
  // The fields of `reschedule` in place of its own two.
  .transform(({ set_now, delta_seconds, ...request }): RescheduleRequest => {
    return set_now ? { ...request, delay_seconds: 0 } : { ...request, by_seconds: delta_seconds }
  })

/** `reschedule` with the fields that clients of the other server send. */
export const rescheduleShift = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/reschedule',
  needs: 'change',
  scoped: 'narrowed',
  input: ShiftRequest,
  output,
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
