import { setPriority } from '../../shared/changes/priority.ts'
import { type FilteredRequest, filteredChange } from './filtered.ts'

/** Sets the priority of queued jobs, for the guard. */
export const priorityChange = (request: FilteredRequest, words: readonly string[]) =>
  filteredChange({
    name: 'priority',
    endpoint: setPriority,
    request,
    words,
    how: `to ${request.priority}`,
  })
