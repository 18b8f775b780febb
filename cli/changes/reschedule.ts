import { reschedule } from '../../shared/changes/reschedule.ts'
import { durationText } from '../text/duration.ts'
import { type FilteredRequest, filteredChange } from './filtered.ts'

/** Moves the run times of queued jobs, for the guard. */
export const rescheduleChange = (request: FilteredRequest, words: readonly string[]) =>
  filteredChange({
    name: 'reschedule',
    endpoint: reschedule,
    request,
    words,
    how: timeOf(request),
  })

/** The new time in words: `to now`, `to 2 h from now`, `by 15m`. */
function timeOf({ available_at, by_seconds, delay_seconds }: FilteredRequest): string {
  if (typeof available_at === 'string') return `to ${available_at}`
  if (typeof by_seconds === 'number') return `by ${by_seconds < 0 ? '-' : ''}${durationText(Math.abs(by_seconds))}`
  return typeof delay_seconds === 'number' && delay_seconds > 0
    ? `to ${durationText(delay_seconds)} from now`
    : 'to now'
}
