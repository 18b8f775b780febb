import { changedPaths, type EditRequest } from '../../../../shared/changes/edit.ts'
import { Failure } from '../../../../shared/errors.ts'
import type { Terms } from '../../../bulk/change/commission.ts'
import type { Within } from '../../../database/scope.ts'
import { pathText, planOf } from './plan.ts'

type Editor = Pick<Terms, 'by' | 'approved' | 'may' | 'editPaths'>

/**
 * Refuses an edit of what the caller may not change, and one after which its jobs would lie outside of the scope of its token. An edit that
 * was approved, or that goes on, has been asked before.
 * @throws Failure `forbidden`
 */
export function requireAllowed(request: Within<EditRequest>, { by, approved, may, editPaths }: Editor): void {
  const isDecided = by === 'taken over' || approved !== undefined
  const paths = changedPaths(request)
  const beyond = paths.find((path) => editPaths.length > 0 && !editPaths.some((allowed) => liesAt(allowed, path)))
  if (beyond)
    throw new Failure(
      'forbidden',
      `the server lets nobody edit ${pathText(beyond)} (JOBS_EDIT_PATHS); nothing was changed`,
      {
        hint: `an edit may change ${editPaths.map(pathText).join(', ')}`,
      },
    )
  if (!isDecided && !may.has('govern') && paths.some(([field]) => field === 'owner_user_id'))
    throw new Failure('forbidden', 'only an admin may give jobs another owner; nothing was changed', {
      hint: 'leave owner_user_id as it is, or ask an admin',
    })
  const types = request.within?.job_types ?? []
  const type = planOf(request).fields.find(({ field }) => field === 'job_type')?.text
  if (types.length > 0 && typeof type === 'string' && !types.includes(type))
    throw new Failure(
      'forbidden',
      'the jobs would lie outside of the scope of the token, which names job types; nothing was changed',
      {
        hint: `the job types of the token are ${types.join(', ')}`,
      },
    )
}

/** Whether a path is this one, or lies below it. */
const liesAt = (allowed: readonly string[], path: readonly string[]): boolean =>
  allowed.every((name, nth) => path[nth] === name)
