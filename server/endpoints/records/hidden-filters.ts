import type { Call } from '../../call.ts'
import { isContentHidden } from '../hidden.ts'

/** The fields of the filters of a record that a caller may not see. */
export const hiddenFilters = (caller: Pick<Call, 'may'>): string[] => [
  ...(isContentHidden(caller) ? ['payload', 'error'] : []),
  ...(caller.may.has('read_tokens') ? [] : ['address', 'name', 'principal']),
]
