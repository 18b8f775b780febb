import { Failure } from '../../shared/errors.ts'
import { hasCode } from '../database/errors/error-meanings.ts'
import { findMissingIndexes } from '../database/migrate/missing-indexes.ts'
import type { Sql } from '../database/sql.ts'

/** The names of those indexes that the database does not have. */
export const missingAmong = async (sql: Sql, serving: readonly string[]): Promise<string[]> =>
  (await findMissingIndexes(sql)).map(({ name }) => name).filter((name) => serving.includes(name))

/**
 * Runs a read whose statements are bounded (`limitReadTime`).
 * @param serving the indexes that serve the read
 * @throws Failure `database_busy` that names the missing index, where a statement is ended and one of them is missing
 */
export async function readBounded<T>(sql: Sql, serving: readonly string[], read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const [missing] = hasCode(error, ['57014']) ? await missingAmong(sql, serving) : []
    if (missing === undefined) throw error
    throw new Failure('database_busy', `the search took too long, since the database lacks the index ${missing}`, {
      hint: `jobs-server indexes build ${missing}`,
      cause: error,
    })
  }
}
