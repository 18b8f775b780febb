import { Failure } from '../../../shared/errors.ts'
import type { Sql } from '../sql.ts'
import type { SchemaObject } from './schema-diff.ts'

const texts = ['text', 'character varying', 'character', 'name', 'citext']
const wholeNumbers = ['smallint', 'integer', 'bigint']

/** The types that a column may have in the table of another program, by the type of the column in a migration. */
const accepted: ReadonlyMap<string, readonly string[]> = new Map([
  ['text', texts],
  ['integer', wholeNumbers],
  ['bigint', wholeNumbers],
  ['real', ['real', 'double precision', 'numeric', ...wholeNumbers]],
  ['boolean', ['boolean']],
  ['jsonb', ['jsonb', 'json']],
  ['timestamptz', ['timestamp with time zone']],
])

/** Beside the jobs, a time without a zone is read as UTC, the time zone of our sessions. */
const withoutZone = 'timestamp without time zone'

/** A table that the server neither reads nor writes. */
const exemptTable = 'job_counters'
/** Columns that the server neither reads nor writes, by table. */
const exemptColumns = new Map([
  ['jobs', 'project_id'],
  ['job_dependencies', 'created_at'],
])

interface ColumnType {
  /** The table with its schema, and the column, as quoted names. */
  table: string
  column: string
  /** The table without its schema. */
  of: string
  name: string
  needed: string
  type: string
  has_default: boolean
}

/**
 * Refuses tables of other programs that have a column of a type with which statements fail: half of the calls would answer
 * errors of the server.
 * @param made the objects that migrations make
 * @throws Failure `usage` that names the columns
 */
export async function refuseOddTypes(sql: Sql, made: readonly SchemaObject[]): Promise<void> {
  const odd = (await readTypes(sql, made)).filter((column) => !isAccepted(column))
  const [first] = odd
  if (!first) return
  const list = odd.slice(0, 5).map(({ of, name, type, needed }) => `${of}.${name} is ${type} and must be ${needed}`)
  const more = odd.length > list.length ? `, and ${odd.length - list.length} more` : ''
  throw new Failure(
    'usage',
    `columns have types with which this server cannot work: ${list.join(', ')}${more}; nothing was changed`,
    {
      hint: `where the table is not one of jobs: JOBS_DB_SCHEMA=<another schema>; else, if the other programs can work with it, too: ${alteration(first)}`,
    },
  )
}

function isAccepted({ of, name, needed, type }: ColumnType): boolean {
  if (of === exemptTable || exemptColumns.get(of) === name) return true
  // What the archive has beside the columns of `jobs` is written by this server alone.
  if (of === 'jobs_archive' && type === 'json') return false
  if (needed === 'timestamptz' && of !== 'jobs' && type === withoutZone) return true
  return accepted.get(needed)?.includes(type) ?? true
}

/** The statement that gives the column the type. PostgreSQL does not convert the default of a time by itself. */
function alteration({ table, column, needed, type, has_default }: ColumnType): string {
  const conversion = `alter column ${column} type ${needed} using ${convertedValue(column, needed, type)}`
  const steps =
    needed === 'timestamptz' && has_default
      ? [`alter column ${column} drop default`, conversion, `alter column ${column} set default now()`]
      : [conversion]
  return `alter table ${table} ${steps.join(', ')}`
}

function convertedValue(column: string, needed: string, type: string): string {
  if (needed === 'timestamptz' && type === withoutZone) return `${column} at time zone 'UTC'`
  if (needed === 'timestamptz' && [...wholeNumbers, 'numeric'].includes(type)) return `to_timestamp(${column})`
  return `${column}::text::${needed}`
}

/** The types of the columns that exist already. The type of a domain is the type that it is made of. */
const readTypes = async (sql: Sql, made: readonly SchemaObject[]): Promise<ColumnType[]> => [
  ...(await sql<ColumnType[]>`
    select
      quote_ident(nspname) || '.' || quote_ident(relname) as "table", quote_ident(attname) as "column",
      "of", made.name, made.type as needed,
      format_type(coalesce(nullif(typbasetype, 0), pg_type.oid), null) as type, atthasdef as has_default
    from jsonb_to_recordset(${JSON.stringify(made)}::text::jsonb) as made (kind text, "of" text, name text, type text)
    join pg_attribute on attrelid = to_regclass("of") and attname = made.name and not attisdropped
    join pg_class on pg_class.oid = attrelid
    join pg_namespace on pg_namespace.oid = relnamespace
    join pg_type on pg_type.oid = atttypid
    where kind = 'column'
    order by "of", attnum`),
]
