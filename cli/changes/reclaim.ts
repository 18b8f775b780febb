import { reclaim } from '../../shared/changes/reclaim.ts'
import { type FilteredRequest, filteredChange } from './filtered.ts'

/** Takes running jobs from their workers, for the guard. */
export const reclaimChange = (request: FilteredRequest, words: readonly string[]) =>
  filteredChange({
    name: 'reclaim',
    endpoint: reclaim,
    request,
    words,
    ...(typeof request.worker_prefix === 'string' && { how: `from workers ${request.worker_prefix}*` }),
  })
