import { retry } from '../../shared/changes/retry.ts'
import { type FilteredRequest, filteredChange } from './filtered.ts'
import { revivedBeside } from './revived.ts'

/** A retry of failed jobs, for the guard. */
export const retryChange = (request: FilteredRequest, words: readonly string[]) => ({
  ...filteredChange({
    name: 'retry',
    endpoint: retry,
    request,
    words,
  }),
  along: 'brought back' as const,
  beside: revivedBeside,
})
