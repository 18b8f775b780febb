import { Failure } from '../../../shared/errors.ts'
import { type EngineSign, findEngines, servedEngines, shippedMaps } from '../../database/connection/other-engines.ts'
import { findQueueLike, type QueueLike } from '../../database/queue-like/find-queue-like.ts'
import type { Sql } from '../../database/sql.ts'
import { readShipped } from '../mapped/read-map.ts'
import { readTable, type Table } from '../mapped/table.ts'
import { isAloneUnique } from './columns.ts'
import { countBy } from './count.ts'
import { fittedMap } from './fitted-map.ts'
import { askedOf, type Evidence } from './propose.ts'
import { readRows, readSampleFacts, readValues } from './sample.ts'

/** A map that is proposed. */
export interface Detected {
  /** The lines of the file. */
  lines: string[]
  /** What people read beside it. */
  notes: string[]
}

interface Wanted {
  /** The table that somebody has named, as a map names tables. */
  table: string | undefined
  /** Only tables of these schemas. */
  schemas: readonly string[] | undefined
  /** Whether jobs are counted, and not those of a sample. */
  isCounted: boolean
}

/**
 * Proposes the map of the table that looks most like a queue. Only reads: the catalog, what the planner knows, and at most 10,000 rows a statement.
 * @throws Failure `usage` where no table looks like a queue, and for a table of which no map can be
 * @throws Failure `database_right_missing` with the GRANT, where the role may not read the table
 */
export async function detect(sql: Sql, { table: named, schemas, isCounted }: Wanted): Promise<Detected> {
  const found = named === undefined ? await findCandidates(sql, schemas) : []
  const [best, ...others] = found
  const name = named ?? nameInMap(best)
  const table = await readTable(sql, name)
  if (!table) throw refused(`the database has no table ${name} that this role may see`)
  await requireReadable(sql, table)
  const names = await namesOf(sql, table)
  const shipped = await shippedFor(sql, names)
  if (shipped) return { ...shipped, notes: [...shipped.notes, ...alsoText(others)] }
  const evidence = await readEvidence(sql, table)
  const { lines, map, faults, questions } = await fittedMap(
    table,
    { table: names.name, inMap: nameInMap(names) },
    evidence,
  )
  const rows = table.rows < 0 ? 'rows that nobody has counted' : `about ${table.rows.toLocaleString('en-US')} rows`
  const isOpen = faults.length > 0 || questions > 0
  return {
    lines,
    notes: [
      `${table.relation} ${named === undefined ? 'looks like a queue' : 'as a queue'}: ${rows}; nothing was changed`,
      ...(faults.length > 0 ? [] : await countBy(sql, { map, table, isCounted })),
      ...faults.map(({ path, message }) => `to be decided: ${path.join('.')}: ${message}`),
      ...(evidence.facts === undefined ? ['no row was read within 5 s: the map goes by the catalog alone'] : []),
      ...(questions > 0 ? [questionsText(questions)] : []),
      ...alsoText(others),
      isOpen
        ? 'write it to jobs-map.yaml, answer what is open, then: jobs-server init --check'
        : 'write it to jobs-map.yaml, then: jobs-server init --check',
    ],
  }
}

/** The map of the package, where the table is of a library whose jobs it looks at. */
async function shippedFor(
  sql: Sql,
  { nspname, name }: Pick<QueueLike, 'nspname' | 'name'>,
): Promise<Detected | undefined> {
  const sign = (await findEngines(sql)).find((one) => one.nspname === nspname && one.table === name)
  const map = sign && shippedMaps.get(sign.engine)
  if (!sign || map === undefined) return undefined
  return {
    lines: (await readShipped(map)).trimEnd().split('\n'),
    notes: [
      `${sign.schema}.${sign.table} is the table of ${sign.engine}: this is the map of the package, for looking only; nothing was changed`,
      `without a file: jobs-server --map ${map}`,
    ],
  }
}

const questionsText = (questions: number): string =>
  questions === 1
    ? 'the map has a question, as a comment: answer it before a server uses the map'
    : `the map has ${questions} questions, as comments: answer them before a server uses the map`

const refused = (why: string, hint?: string): Failure => new Failure('usage', `${why}; nothing was changed`, { hint })

async function findCandidates(sql: Sql, schemas: readonly string[] | undefined): Promise<QueueLike[]> {
  const found = await findQueueLike(sql, schemas)
  if (!found) throw refused('the catalog could not be read within 5 s', nameOne)
  if (found.length > 0) return found
  const engines = await findEngines(sql)
  const within = schemas === undefined ? 'of this database' : `in ${schemas.join(', ')}`
  throw refused(`no table ${within} looks like a queue${withoutMap(engines)}`, nameOne)
}

const nameOne = 'jobs-server init --detect --table app.email_jobs proposes a map for a table that you name'

/** Engines whose jobs need no map, or cannot have one. */
const withoutMap = (engines: readonly EngineSign[]): string =>
  engines
    .flatMap(({ engine, schema }) => {
      if (engine === 'Solid Queue')
        return `; Solid Queue (in ${schema}) keeps the state of a job in which of its tables has the row, so that no map can say it`
      return servedEngines.includes(engine) ? `; jobs-server serves ${engine} (in ${schema}) without a map` : []
    })
    .join('')

/** A name as a map has it: in quotes where it has a dot or a quote. */
function nameInMap({ nspname, name }: Pick<QueueLike, 'nspname' | 'name'> = { nspname: '', name: '' }): string {
  const part = (text: string) => (/[".]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  return `${part(nspname)}.${part(name)}`
}

async function namesOf(sql: Sql, { relation }: Table): Promise<Pick<QueueLike, 'nspname' | 'name'>> {
  const [row] = await sql<[Pick<QueueLike, 'nspname' | 'name'>]>`
    select nspname::text as nspname, relname::text as name
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where pg_class.oid = pg_catalog.to_regclass(${relation}::text)`
  return row
}

/** @throws Failure for a view, for rows that are hidden, and for a table that the role may not read, with the GRANT */
async function requireReadable(sql: Sql, { relation, schema, kind, isRowSecured }: Table): Promise<void> {
  if (kind !== 'r' && kind !== 'p')
    throw refused(
      `${relation} is no table: the jobs of a view or a foreign table cannot be changed with records and undo`,
      'name the table behind it with --table',
    )
  const [right] = await sql<[{ usage: boolean; reads: boolean; role: string }]>`
    select
      pg_catalog.has_schema_privilege(pg_class.relnamespace, 'usage') as usage,
      pg_catalog.has_table_privilege(pg_class.oid, 'select') as reads,
      pg_catalog.quote_ident(current_user) as role
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where pg_catalog.format('%I.%I', nspname, relname) = ${relation}::text`
  const grants = [
    ...(right.usage ? [] : [`grant usage on schema ${schema} to ${right.role};`]),
    ...(right.reads ? [] : [`grant select on table ${relation} to ${right.role};`]),
  ]
  if (grants.length > 0)
    throw new Failure(
      'database_right_missing',
      `the role ${right.role} may not read ${relation}: its owner runs ${grants.join(' ')} Nothing was changed`,
      { hint: 'columns alone are not enough: a map reads whole rows' },
    )
  if (isRowSecured)
    throw refused(
      `row-level security hides rows of ${relation} from this role`,
      'look as its owner, or as a role with BYPASSRLS',
    )
}

/** What rows say; what took longer than 5 s is not known. */
async function readEvidence(sql: Sql, table: Table): Promise<Evidence> {
  const { state, signs, numbers, end } = askedOf(table)
  const facts = await readRows(sql, (tx) => readSampleFacts(tx, table, { numbers, end, error: signs.error }))
  const values = state && (await readRows(sql, (tx) => readValues(tx, table, state, signs)))
  const checked = state && !isAloneUnique(table, state) ? await readChecked(sql, table, state.name) : []
  return { facts, values, checked }
}

/** The texts that checks of a table allow in a column, such as `check (status in ('new', 'done'))`. */
async function readChecked(sql: Sql, { relation }: Table, column: string): Promise<string[]> {
  const rows = await sql<{ definition: string }[]>`
    select pg_catalog.pg_get_constraintdef(pg_constraint.oid) as definition
    from pg_catalog.pg_constraint
    join pg_catalog.pg_attribute on attrelid = conrelid and attnum = conkey[1]
    where conrelid = pg_catalog.to_regclass(${relation}::text) and contype = 'c'
      and pg_catalog.cardinality(conkey) = 1 and attname = ${column}::text`
  return rows.flatMap(({ definition }) =>
    /= ANY|=|IN \(/.test(definition)
      ? [...definition.matchAll(/'((?:[^']|'')*)'::/g)].map(([, text = '']) => text.replaceAll("''", "'"))
      : [],
  )
}

const alsoText = (others: readonly QueueLike[]): string[] =>
  others.length === 0
    ? []
    : [
        `${others.length === 1 ? 'one more table looks like a queue' : `${others.length} more tables look like queues`}: ${others
          .slice(0, 5)
          .map((one) => `--table ${JSON.stringify(nameInMap(one))}`)
          .join(', ')}${others.length > 5 ? ', …' : ''}`,
      ]
