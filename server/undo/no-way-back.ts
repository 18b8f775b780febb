import { undoOf } from '../../shared/changes/kinds.ts'
import { Failure } from '../../shared/errors.ts'
import { isAct } from '../../shared/records/acts.ts'
import type { OperationRecord } from '../../shared/records/records.ts'

/** Why no undo gives back the jobs of a prune with `no_archive`, as a clause. */
export const notArchived = 'the jobs are deleted without a copy in the archive (no_archive)'

/** Why no undo can give back jobs of an operation, as a clause; null where one may. */
export function whyNoWayBack({ kind, filters }: Pick<OperationRecord, 'kind' | 'filters'>): string | null {
  if (kind === 'prune' && isUnarchived(filters)) return notArchived
  const undo = undoOf(kind)
  if (typeof undo === 'object') return undo.never
  return isAct(kind) ? 'it is an act, which changed no jobs' : null
}

/** @throws Failure `conflict` for an operation of which no undo can give back jobs */
export function requireWayBack(record: Pick<OperationRecord, 'id' | 'kind' | 'filters'>): void {
  const why = whyNoWayBack(record)
  if (why !== null)
    throw new Failure('conflict', `operation ${record.id} cannot be undone: ${why}; nothing was changed`)
}

const isUnarchived = (filters: unknown): boolean =>
  typeof filters === 'object' && filters !== null && 'no_archive' in filters && filters.no_archive === true
