import { isAct } from '../../shared/records/acts.ts'
import type { OperationRecord } from '../../shared/records/records.ts'

/** Why no undo gives back the jobs of a prune with `no_archive`, as a clause. */
export const notArchived = 'the jobs are deleted without a copy in the archive (no_archive)'

/** Why no undo gives back the jobs of an erasure, as a clause. */
export const erasedForGood = 'the jobs are erased for good'

/** Why operations of these kinds have no way back, as a clause. */
const whyByKind = new Map([
  ['undo', 'it is an undo'],
  ['integrity', 'it is a repair'],
  ['reclaim', 'it is a reclaim'],
  ['erase', erasedForGood],
])

/** Why no undo can give back jobs of an operation, as a clause; null where one may. */
export function whyNoWayBack({ kind, filters }: Pick<OperationRecord, 'kind' | 'filters'>): string | null {
  if (kind === 'prune' && isUnarchived(filters)) return notArchived
  return whyByKind.get(kind) ?? (isAct(kind) ? 'it is an act, which changed no jobs' : null)
}

const isUnarchived = (filters: unknown): boolean =>
  typeof filters === 'object' && filters !== null && 'no_archive' in filters && filters.no_archive === true
