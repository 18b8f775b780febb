import { sizeText } from '../../shared/times/time-and-size.ts'
import { type MadeObject, readMade, sharedTables } from '../database/migrate/absent-before.ts'
import { findMissing, type SchemaObject } from '../database/migrate/schema-diff.ts'
import type { Sql } from '../database/sql.ts'
import { type OwnObject, readOwnObjects, readSharedObjects, type SharedObject } from './read-objects.ts'

/**
 * The SQL that takes everything of the servers out of a database and leaves the tables of other programs as they were, for psql. It is
 * one transaction, so that it changes all or nothing. Nothing is read but the catalog, and nothing is changed.
 * @param schema the schema of the tables, as a quoted name
 * @returns lines; none where no server has made anything
 */
export async function uninstallScript(sql: Sql, schema: string): Promise<string[]> {
  const own = await readOwnObjects(sql)
  if (own.length === 0) return []
  const made = await readMade(sql)
  const shared = await readSharedObjects(sql, made ?? sharedTables.map((name) => ({ kind: 'table', of: '', name })))
  const isTheirs = made !== undefined && !made.some(({ kind, name }) => kind === 'table' && name === 'jobs')
  return [
    '-- Takes out what jobs-server has made. Stop all servers first; one transaction: all of it or nothing.',
    ...opening(schema),
    ...ownStatements(own),
    ...(isTheirs ? sharedStatements(shared, await hasPolicies(sql)) : keptStatements(shared, made)),
    'commit;',
  ]
}

/** How a script of psql begins that takes out what servers have made: it ends where a server runs. */
export const opening = (schema: string): string[] => [
  'begin;',
  `set local search_path = ${schema}, pg_temp;`,
  "set local lock_timeout = '5s';",
  ...guard,
]

/** Servers that run would make the triggers again, and answer errors. */
const guard = [
  'do $$',
  'begin',
  "  if exists (select from pg_stat_activity where datname = current_database() and application_name = 'jobs-server') then",
  "    raise exception 'a jobs-server is connected to this database: stop all of them first; nothing was changed';",
  '  end if;',
  'end',
  '$$;',
]

function ownStatements(own: readonly OwnObject[]): string[] {
  const of = (kind: OwnObject['kind']) => own.filter((object) => object.kind === kind)
  return [
    ...section(
      'triggers',
      of('trigger').map(({ name, of: table }) => `drop trigger ${name} on ${table};`),
    ),
    ...section('tables of jobs-server alone', dropTables(of('table').map(({ name }) => name))),
    ...section(
      'functions',
      of('function').map(({ name }) => `drop function ${name};`),
    ),
    ...section(
      'indexes',
      of('index').map(({ name }) => `drop index ${name};`),
    ),
  ]
}

/** One statement, since some of the tables refer to others. */
const dropTables = (names: readonly string[]): string[] =>
  names.length > 0 ? [`drop table\n  ${names.join(',\n  ')};`] : []

/** A column that the newer version of the other program makes, too, unless it is there, and the one beside it that tells this version. */
const madeByEither = 'quarantine_threshold'
const besideIt: SchemaObject = { kind: 'column', of: 'jobs', name: 'expired_lease_policy' }

const hasPolicies = async (sql: Sql): Promise<boolean> => (await findMissing(sql, [besideIt])).length === 0

/** @param withPolicies the newer version of the other program uses the database, and so the column that either of the two makes */
function sharedStatements(shared: readonly SharedObject[], withPolicies: boolean): string[] {
  const isUsed = ({ name }: SharedObject) => withPolicies && name === madeByEither
  const of = (kind: SharedObject['kind']) => shared.filter((object) => object.kind === kind)
  return [
    ...section(
      'indexes that the tables of the other program lacked',
      of('index').map(({ name }) => `drop index ${name};`),
    ),
    ...section(
      'columns that they lacked',
      of('column')
        .filter((column) => !isUsed(column))
        .map(dropColumn),
    ),
    ...section(
      'columns that the other program uses since: they stay',
      of('column')
        .filter(isUsed)
        .map((column) => `-- ${dropColumn(column)}`),
    ),
    ...section(
      'tables that were not there; jobs_archive has the jobs that were pruned and can be given back',
      of('table').map(({ name, bytes }) => `drop table ${name}; -- ${sizeText(bytes)}`),
    ),
  ]
}

const dropColumn = ({ of, name }: SharedObject) => `alter table ${of} drop column ${name};`

/** The tables of jobs stay: a server has made them all, or a version that did not note what it found. The reader decides. */
function keptStatements(shared: readonly SharedObject[], made: readonly MadeObject[] | undefined): string[] {
  const why = made
    ? ['-- jobs-server has made these tables, with all jobs in them. They stay, unless you take the dashes away:']
    : [
        '-- An earlier version has not noted which of these tables, and which of their columns and indexes, it found. They stay. Take the',
        '-- dashes away only before tables that no other program has made:',
      ]
  const tables = shared.filter(({ kind }) => kind === 'table')
  return ['', ...why, ...tables.map(({ name, bytes }) => `-- drop table ${name}; -- ${sizeText(bytes)}`)]
}

const section = (title: string, statements: readonly string[]): string[] =>
  statements.length > 0 ? ['', `-- ${title}`, ...statements.flatMap((statement) => statement.split('\n'))] : []
