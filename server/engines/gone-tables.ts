import type { TokenScope } from '../../shared/access/token-scope.ts'
import { Failure } from '../../shared/errors.ts'
import { hasCode } from '../database/errors/error-meanings.ts'
import type { Sql } from '../database/sql.ts'
import { listedDomains, type Place, placesWithin, servedBy } from './served.ts'

/** A schema, a table, a column or a type that a statement names is not there, or no operator or function takes the type that a column has. */
const gone = ['3F000', '42P01', '42703', '42704', '42883']

/** More missing tables are not named. */
const mostNamed = 3

/** The call of a statement that failed. */
interface Failed {
  /** The call changes jobs, some of which may be changed already. */
  changing: boolean
  /** What its caller is limited to, which is told of no other place. */
  within: TokenScope | undefined
}

/**
 * The failure of a statement about the jobs of other engines whose tables were dropped, renamed or altered since the server started; any
 * other error as it is.
 * @param sql the client of the call
 */
export async function orGoneTables(sql: Sql, error: unknown, { changing, within }: Failed): Promise<unknown> {
  const { mode, places } = servedBy(sql)
  const cause = error instanceof Failure && error.code === 'database_unavailable' ? error.cause : error
  if (places.length === 0 || !hasCode(cause, gone)) return error
  const missing = await missingAt(sql, places).catch(() => [])
  // The statement may be about our own jobs, or about those of an engine.
  if (mode === 'own' && missing.length === 0) return error
  const without = missing.map(({ place }) => place)
  const broken = without.length > 0 ? without : places
  const told = placesWithin(broken, within)
  const where = new Set(
    told.length > 0
      ? told.map(({ adapter, found }) => `${adapter.engine} in ${found.schema}`)
      : broken.map(({ adapter }) => adapter.engine),
  )
  const tables = missing.filter(({ place }) => told.includes(place)).flatMap((one) => one.tables)
  const named = tables.slice(0, mostNamed).join(', ')
  const which = tables.length === 0 ? '' : `: ${named} ${tables.length === 1 ? 'is' : 'are'} not there any more`
  const others = placesWithin(places, within).filter((place) => !broken.includes(place))
  return new Failure(
    'conflict',
    `the tables of ${[...where].join(', ')} are not as they were when this server started${which}; ${changing ? 'no further job' : 'nothing'} was changed`,
    {
      hint: `start the server again: it says what it finds${others.length === 0 ? '' : `; for other jobs: ${listedDomains(others)}`}`,
      cause,
    },
  )
}

interface Missing {
  place: Place
  tables: string[]
}

/** The places that lack a table by now, with these tables. */
async function missingAt(sql: Sql, places: readonly Place[]): Promise<Missing[]> {
  const tablesOf = ({ adapter, found }: Place) => adapter.rights(found, true).map(({ table }) => table)
  const rows = await sql<{ missing: string }[]>`
    select missing from unnest(${places.flatMap(tablesOf)}::text[]) as missing where pg_catalog.to_regclass(missing) is null`
  const missing = new Set(rows.map((row) => row.missing))
  return places
    .map((place) => ({ place, tables: tablesOf(place).filter((table) => missing.has(table)) }))
    .filter(({ tables }) => tables.length > 0)
}
