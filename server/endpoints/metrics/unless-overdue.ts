import { hasCode } from '../../database/errors/error-meanings.ts'

/**
 * Returns undefined for the error of a statement that took longer than its limit: without exact counts the jobs themselves are counted,
 * and without an index that the operator has yet to build they are scanned.
 * @throws any other error
 */
export function unlessOverdue(error: unknown): undefined {
  if (!hasCode(error, ['57014'])) throw error
}
