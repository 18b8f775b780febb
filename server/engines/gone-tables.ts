import { Failure } from '../../shared/errors.ts'
import { hasCode } from '../database/errors/error-meanings.ts'
import type { Sql } from '../database/sql.ts'
import { servedBy } from './served.ts'

/** A schema, a table, a column or a type that a statement names is not there, or no operator or function takes the type that a column has. */
const gone = ['3F000', '42P01', '42703', '42704', '42883']

/**
 * The failure of a statement about the jobs of another engine whose tables were dropped, renamed or altered since the server started; any
 * other error as it is.
 * @param sql the client of the call
 */
export function orGoneTables(sql: Sql, error: unknown): unknown {
  const { mode, places } = servedBy(sql)
  const cause = error instanceof Failure && error.code === 'database_unavailable' ? error.cause : error
  if (mode === 'own' || !hasCode(cause, gone)) return error
  const where = places.map(({ adapter, found }) => `${adapter.engine} in ${found.schema}`).join(', ')
  return new Failure(
    'conflict',
    `the tables of ${where} are not as they were when this server started; no further job was changed`,
    { hint: 'start the server again: it says what it finds', cause },
  )
}
