import { setPriority } from '../../shared/changes/priority.ts'
import { type FilteredRequest, filteredChange } from './filtered.ts'

/** Sets the priority of queued jobs, for the guard. */
export const priorityChange = (request: FilteredRequest, words: readonly string[]) =>
  filteredChange({
    name: 'priority',
    endpoint: setPriority,
    request,
    words,
    count: ({ affected }) => affected,
    verbs: ['would set the priority of', 'set the priority of'],
    how: `to ${request.priority}`,
  })
