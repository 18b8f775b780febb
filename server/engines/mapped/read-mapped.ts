import { hasCode } from '../../database/errors/error-meanings.ts'
import type { Sql } from '../../database/sql.ts'
import { withinReadTime } from '../../database/timeouts.ts'
import { checkMap, type MapFault } from './check-map.ts'
import { projectionOf } from './projection.ts'
import type { MapFile, MapOfTable } from './read-map.ts'
import { type Mapped, readTable, schemasWith, type Table } from './table.ts'

/**
 * Compares the maps of a file with the database, table by table. Only reads.
 * @returns the tables in the order of the file
 * @throws Failure `usage` with the line and column of what does not fit
 */
export async function readAllMapped(sql: Sql, { tables }: MapFile): Promise<Mapped[]> {
  const all: Mapped[] = []
  for (const one of tables) {
    const mapped = await readMapped(sql, one)
    const { relation } = mapped.table
    if (all.some(({ table }) => table.relation === relation))
      one.refuse([{ path: ['table'], message: `${relation} stands twice, and its jobs would be counted twice` }])
    const same = all.find(({ domain }) => domain === mapped.domain)
    if (same) one.refuse([sharedDomain(mapped, same)])
    all.push(mapped)
  }
  return all
}

/** A call finds the table of a job by the domain alone, so that no domain has two. */
const sharedDomain = ({ map, domain }: Mapped, { table }: Mapped): MapFault => ({
  path: [map.domain === undefined ? 'table' : 'domain'],
  message: `the jobs of ${table.relation} have the domain ${domain}, too, and a domain belongs to one table: give this one another, such as domain: ${domain}2`,
})

/**
 * Compares the map of one table with the database. Only reads.
 * @throws Failure `usage` with a line for each fault: of names, types and values, and of values of the state that the map does not have
 */
async function readMapped(sql: Sql, file: MapOfTable): Promise<Mapped> {
  const { map } = file
  const table = await readTable(sql, map.table)
  if (!table) {
    const schemas = await schemasWith(sql, map.table)
    const message =
      schemas.length > 1
        ? `tables of this name are in the schemas ${schemas.slice(0, 20).join(', ')}: name one, such as ${schemas[0]}.${map.table}`
        : `the database has no table ${map.table} that this role may see`
    file.refuse([{ path: ['table'], message }])
    throw new Error('unreachable')
  }
  if (table.isRowSecured)
    file.refuse([
      {
        path: ['table'],
        message: `row-level security hides rows of ${table.relation} from this role: look as its owner, or as a role with BYPASSRLS`,
      },
    ])
  const names = [map.error, map.owner, map.payload, map.result].flatMap((value) => value?.from ?? [])
  const read = new Map<string, Table>()
  for (const name of names) {
    const other = await readTable(sql, name)
    if (other) read.set(name, other)
  }
  const { faults, literals, operators } = checkMap(map, table, read)
  file.refuse(faults)
  const wrong: MapFault[] = []
  for (const { path, text, column, isSet = false, key = false } of literals) {
    const type = sql.unsafe(isSet ? column.declared : column.type)
    if (!(await works(sql`select ${text}::text::${type} as value`, ['22', '23'])))
      wrong.push({ path, key, message: `is no value of the column ${column.name}, which is of type ${column.base}` })
    else if (!isSet && !(await isCompared(sql, column.compared, '=')))
      wrong.push({ path, key, message: `PostgreSQL compares no values of the type ${column.base}` })
  }
  for (const { fault, columns, operator } of operators) {
    const [one, other] = columns
    if (!(await isCompared(sql, one.compared, operator, other.compared))) wrong.push(fault)
  }
  file.refuse(wrong)
  const mapped = { map, table, domain: map.domain ?? table.nspname, others: read }
  const unmapped = await withinReadTime(sql, (tx) => readUnmapped(tx, mapped))
  if (unmapped && unmapped.length > 0)
    file.refuse([
      {
        path: ['status'],
        message: `${table.relation} has jobs that the map gives no state: ${unmapped.map(textOf).join(', ')}`,
      },
    ])
  return mapped
}

/** Whether PostgreSQL takes a statement, which may end with one of these codes, or with one that begins so. */
const works = (statement: PromiseLike<unknown>, codes: readonly string[]): Promise<boolean> =>
  Promise.resolve(statement).then(
    () => true,
    (error: unknown) => {
      if (hasCode(error, codes)) return false
      throw error
    },
  )

/** Whether PostgreSQL has an operator for values of two types. */
const isCompared = (sql: Sql, type: string, operator: '=' | '<', other = type): Promise<boolean> =>
  works(sql`select null::${sql.unsafe(type)} ${sql.unsafe(operator)} null::${sql.unsafe(other)} as value`, ['42883'])

interface Unmapped {
  native_state: string | null
  count: number
}

const textOf = ({ native_state, count }: Unmapped): string =>
  `${native_state ?? 'null'} (${count.toLocaleString('en-US')})`

/** The values of the state that the map does not have, with the number of their jobs; at most 20. */
const readUnmapped = async (sql: Sql, mapped: Mapped): Promise<Unmapped[]> => [
  ...(await sql<Unmapped[]>`
    select native_state, pg_catalog.count(*) as count
    from ${sql.unsafe(projectionOf(mapped))} as jobs
    where status = 'unmapped'
    group by native_state
    order by count desc
    limit 20`),
]
