import type { Sql } from '../../database/sql.ts'
import { quotedText } from '../parts/sql-text.ts'
import type { JobsMap } from './map.ts'

/** A column of a mapped table. */
export interface Column {
  name: string
  /** The name as SQL has it. */
  quoted: string
  /** Its type with the schema of the type, as SQL has it. */
  type: string
  /** The type with its modifier, as SQL has it: `numeric(6,2)`. */
  declared: string
  /** The modifier of the type, such as the precision of `timestamp(0)`; -1 without one. */
  modifier: number
  /** The name of the type, or of the type below a domain, such as `int4`. */
  base: string
  /** The same type as SQL has it. An enum below a domain can be compared as this type alone. */
  compared: string
  /** False for a column that may be null. */
  required: boolean
  /** PostgreSQL computes its value: it can be given neither by a change nor by an undo. */
  isGenerated: boolean
  /** PostgreSQL numbers it always: an insertion can give it a value, and a change cannot. */
  isNumbered: boolean
  /** The expression of its default, or of the next number where PostgreSQL numbers it. */
  fallback: string | null
  /** The values of an enum, in their order. */
  labels: string[] | null
}

/** A foreign key of the table: what its rows refer to. */
interface Reference {
  /** The other table, as SQL has it. */
  table: string
  /** Pairs of quoted names: a column of the table, and the column of the other one. */
  columns: [own: string, other: string][]
}

interface Index {
  name: string
  /** Its columns in their order, without expressions. */
  columns: string[]
  isUnique: boolean
  /** It has some of the rows alone. */
  isPartial: boolean
  /** It has the rows in an order. */
  isOrdered: boolean
}

/** What the catalog says of a table of jobs. */
export interface Table {
  /** The table with its schema, as SQL has it, and the two parts. */
  relation: string
  schema: string
  /** The schema without quotes. */
  nspname: string
  /** As `pg_class` has it: `r`, `p` for a table with partitions, `v` for a view. */
  kind: string
  columns: ReadonlyMap<string, Column>
  /** The child tables, which inherit from it and are no partitions: their rows are read as its rows, and none of its indexes has them. */
  childTables: string[]
  /** The columns by which the table has partitions, at all levels; empty for a table without partitions. An expression is an empty name. */
  partitionedBy: string[]
  indexes: Index[]
  references: Reference[]
  /** The other tables, and the table itself, whose rows refer to its rows. */
  referredBy: string[]
  /** The columns of which a change sets those of another table, too: by a foreign key with `on update cascade`, `set null` or `set default`. */
  followed: { column: string; by: string }[]
  /** Triggers that fire at a change of a row, with their events, and with the partition that has it where the whole table does not. */
  triggers: { name: string; partition: string | null; events: string }[]
  /** About how many rows; negative where nobody has counted. */
  rows: number
  /** True where row-level security hides rows from the role of the server. */
  isRowSecured: boolean
  /** What the statements of this server rely on, as one text. */
  fingerprint: string
}

/** An SQL condition: a trigger is one of a table, or of one of its partitions alone. A trigger of the whole table has a copy at each partition. */
const firesAt = (oid: string): string =>
  `(not tgisinternal and (tgrelid = ${oid} or tgparentid = 0)
    and tgrelid = any(array(select ${oid} union all select relid from pg_catalog.pg_partition_tree(${oid}))))`

/**
 * An SQL condition: a foreign key refers to a table, or to one partition of it alone. A key to the whole table has a copy at each partition that
 * a program adds.
 */
const refersTo = (oid: string): string =>
  `(confrelid = ${oid} or conparentid = 0 and confrelid in (select relid from pg_catalog.pg_partition_tree(${oid})))`

/** An SQL expression: the columns, foreign keys, triggers, child tables and row-level security of a table, as a short text; null for a table that is not there. */
export const fingerprintOf = (relation: string): string => {
  const oid = `pg_catalog.to_regclass(${quotedText(relation)})`
  return `(
    select pg_catalog.md5(pg_catalog.concat_ws(';',
      ${oid}::oid, pg_catalog.row_security_active(${oid}),
      (
        select pg_catalog.string_agg(pg_catalog.concat_ws(',', attname, atttypid, atttypmod, attgenerated, attidentity), ';' order by attnum)
        from pg_catalog.pg_attribute where attrelid = ${oid} and attnum > 0 and not attisdropped
      ),
      (
        select pg_catalog.string_agg(pg_constraint.oid::text, ',' order by pg_constraint.oid)
        from pg_catalog.pg_constraint where contype = 'f' and (conrelid = ${oid} or ${refersTo(oid)})
      ),
      (
        select pg_catalog.string_agg(pg_catalog.concat_ws(',', pg_trigger.oid, tgenabled), ';' order by pg_trigger.oid)
        from pg_catalog.pg_trigger where ${firesAt(oid)}
      ),
      (
        select pg_catalog.string_agg(pg_class.oid::text, ',' order by pg_class.oid)
        from pg_catalog.pg_inherits
        join pg_catalog.pg_class on pg_class.oid = inhrelid
        where inhparent = ${oid} and not relispartition
      )
    ))
    where ${oid} is not null
  )`
}

/** A name as `schema.table` or `table`, with double quotes where SQL would need them for a dot or a quote. Upper case needs none. */
function tableParts(name: string): { schema: string | undefined; table: string } | undefined {
  const part = '("(?:[^"]|"")+"|[^".]+)'
  const parts = new RegExp(`^(?:${part}\\.)?${part}$`, 'u').exec(name)
  if (!parts) return undefined
  const plain = (text: string) => (text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text)
  return { schema: parts[1] === undefined ? undefined : plain(parts[1]), table: plain(parts[2] ?? '') }
}

/** The schemas with a table of a name that stands without a schema: `public` alone where it has one. */
export async function schemasWith(sql: Sql, name: string): Promise<string[]> {
  const parts = tableParts(name)
  if (!parts || parts.schema !== undefined) return []
  const rows = await sql<{ nspname: string }[]>`
    select nspname::text as nspname
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where relname = ${parts.table}::text and relkind in ('r', 'p', 'v', 'm', 'f') and nspname !~ '^pg_|^information_schema$'
    order by nspname`
  const names = rows.map(({ nspname }) => nspname)
  return names.includes('public') ? ['public'] : names
}

/** An SQL expression: about how many rows a table has with its partitions; -1 where nobody has counted. */
const estimatedRows = (oid: string): string => `(
  select coalesce(pg_catalog.sum(part.reltuples), -1)::bigint
  from pg_catalog.pg_class as part
  where part.relkind = 'r' and part.reltuples >= 0
    and (part.oid = ${oid} or part.oid in (select relid from pg_catalog.pg_partition_tree(${oid})))
)`

/** About how many rows the table has by now; negative where nobody has counted. */
export async function countRows(sql: Sql, { relation }: Table): Promise<number> {
  const oid = `pg_catalog.to_regclass(${quotedText(relation)})`
  const [{ rows }] = await sql<[{ rows: number }]>`select ${sql.unsafe(estimatedRows(oid))} as rows`
  return rows
}

type Row = Omit<Table, 'columns'> & { columns: Column[] }

/**
 * Reads what the catalog says of a table. Only reads.
 * @param name as a map has it
 * @returns undefined where the database has no such table, or several by a name without a schema
 */
export async function readTable(sql: Sql, name: string): Promise<Table | undefined> {
  const parts = tableParts(name)
  if (!parts) return undefined
  const [schema, ...others] = parts.schema === undefined ? await schemasWith(sql, name) : [parts.schema]
  if (schema === undefined || others.length > 0) return undefined
  const [row] = await sql<Row[]>`
    select
      pg_catalog.format('%I.%I', nspname, relname) as relation,
      pg_catalog.quote_ident(nspname) as schema,
      nspname::text as nspname,
      relkind::text as kind,
      ${sql.unsafe(estimatedRows('pg_class.oid'))} as rows,
      pg_catalog.row_security_active(pg_class.oid) as "isRowSecured",
      (
        select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
          'name', attname, 'quoted', pg_catalog.quote_ident(attname),
          'type', pg_catalog.format('%I.%I', typespace.nspname, pg_type.typname),
          'declared', pg_catalog.format_type(atttypid, atttypmod),
          'modifier', coalesce(nullif(atttypmod, -1), pg_type.typtypmod),
          'base', base.typname,
          'compared', pg_catalog.format('%s.%I', base.typnamespace::regnamespace, base.typname),
          'required', attnotnull, 'isGenerated', attgenerated <> '', 'isNumbered', attidentity = 'a',
          'fallback', case
            when attidentity <> '' then pg_catalog.format('pg_catalog.nextval(%L)', pg_catalog.pg_get_serial_sequence(attrelid::regclass::text, attname))
            when attgenerated = '' then pg_catalog.pg_get_expr(adbin, adrelid)
          end,
          'labels', (select pg_catalog.jsonb_agg(enumlabel order by enumsortorder) from pg_catalog.pg_enum where enumtypid = base.oid)
        ) order by attnum), '[]')
        from pg_catalog.pg_attribute
        join pg_catalog.pg_type on pg_type.oid = atttypid
        join pg_catalog.pg_namespace as typespace on typespace.oid = pg_type.typnamespace
        left join lateral (
          with recursive below (oid, typname, typnamespace, typbasetype) as (
            select pg_type.oid, pg_type.typname, pg_type.typnamespace, pg_type.typbasetype
            union all
            select deeper.oid, deeper.typname, deeper.typnamespace, deeper.typbasetype
            from below
            join pg_catalog.pg_type as deeper on deeper.oid = below.typbasetype
          )
          select oid, typname, typnamespace from below where typbasetype = 0
        ) as base on true
        left join pg_catalog.pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = pg_class.oid and attnum > 0 and not attisdropped
      ) as columns,
      (
        select coalesce(pg_catalog.jsonb_agg(child.oid::regclass::text order by child.oid), '[]')
        from pg_catalog.pg_inherits
        join pg_catalog.pg_class as child on child.oid = inhrelid
        where inhparent = pg_class.oid and not child.relispartition
      ) as "childTables",
      (
        select coalesce(pg_catalog.jsonb_agg(distinct coalesce(attname, '')), '[]')
        from pg_catalog.pg_partitioned_table
        cross join pg_catalog.unnest(partattrs) as at
        left join pg_catalog.pg_attribute on attrelid = partrelid and attnum = at and attnum > 0
        where partrelid in (select relid from pg_catalog.pg_partition_tree(pg_class.oid))
      ) as "partitionedBy",
      (
        select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
          'name', of_index.relname, 'isUnique', indisunique, 'isPartial', indpred is not null,
          'isOrdered', of_index.relam = (select oid from pg_catalog.pg_am where amname = 'btree'),
          'columns', (
            select coalesce(pg_catalog.jsonb_agg(coalesce(attname, '') order by at), '[]')
            from pg_catalog.generate_series(0, indnkeyatts - 1) as at
            left join pg_catalog.pg_attribute on attrelid = indrelid and attnum = indkey[at] and attnum > 0
          )
        ) order by of_index.relname), '[]')
        from pg_catalog.pg_index
        join pg_catalog.pg_class as of_index on of_index.oid = indexrelid
        where indrelid = pg_class.oid and indisvalid
      ) as indexes,
      (
        select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
          'table', pg_catalog.format('%I.%I', otherspace.nspname, other.relname),
          'columns', (
            select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(pg_catalog.quote_ident(own.attname), pg_catalog.quote_ident(theirs.attname)) order by at)
            from pg_catalog.generate_subscripts(conkey, 1) as at
            join pg_catalog.pg_attribute as own on own.attrelid = conrelid and own.attnum = conkey[at]
            join pg_catalog.pg_attribute as theirs on theirs.attrelid = confrelid and theirs.attnum = confkey[at]
          )
        ) order by conname), '[]')
        from pg_catalog.pg_constraint
        join pg_catalog.pg_class as other on other.oid = confrelid
        join pg_catalog.pg_namespace as otherspace on otherspace.oid = other.relnamespace
        where contype = 'f' and conrelid = pg_class.oid
      ) as "references",
      (
        select coalesce(pg_catalog.jsonb_agg(distinct pg_catalog.format('%I.%I', otherspace.nspname, other.relname)), '[]')
        from pg_catalog.pg_constraint
        join pg_catalog.pg_class as other on other.oid = conrelid
        join pg_catalog.pg_namespace as otherspace on otherspace.oid = other.relnamespace
        where contype = 'f' and ${sql.unsafe(refersTo('pg_class.oid'))}
      ) as "referredBy",
      (
        select coalesce(pg_catalog.jsonb_agg(distinct pg_catalog.jsonb_build_object(
          'column', attname, 'by', pg_catalog.format('%I.%I', otherspace.nspname, other.relname)
        )), '[]')
        from pg_catalog.pg_constraint
        join pg_catalog.pg_class as other on other.oid = conrelid
        join pg_catalog.pg_namespace as otherspace on otherspace.oid = other.relnamespace
        join pg_catalog.pg_attribute on attrelid = confrelid and attnum = any(confkey)
        where contype = 'f' and confupdtype in ('c', 'n', 'd') and ${sql.unsafe(refersTo('pg_class.oid'))}
      ) as followed,
      (
        select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', tgname, 'partition', nullif(tgrelid, pg_class.oid)::regclass::text, 'events', pg_catalog.concat_ws(', ',
          case when tgtype::integer & 4 > 0 then 'insert' end, case when tgtype::integer & 16 > 0 then 'update' end,
          case when tgtype::integer & 8 > 0 then 'delete' end
        )) order by tgname), '[]')
        from pg_catalog.pg_trigger
        where ${sql.unsafe(firesAt('pg_class.oid'))} and tgenabled <> 'D' and tgtype::integer & 28 > 0
      ) as triggers,
      ${sql.unsafe(fingerprintOf(quotedName({ schema, table: parts.table })))} as fingerprint
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where nspname = ${schema}::text and relname = ${parts.table}::text and relkind in ('r', 'p', 'v', 'm', 'f')`
  return row && { ...row, columns: new Map(row.columns.map((column) => [column.name, column])) }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const quotedName = ({ schema, table }: { schema: string; table: string }): string =>
  `${quoted(schema)}.${quoted(table)}`

/** @throws Error for a column that the table does not have, which the check of a map has found before */
export function columnOf({ columns, relation }: Pick<Table, 'columns' | 'relation'>, name: string): Column {
  const column = columns.get(name)
  if (!column) throw new Error(`${relation} has no column ${name}`)
  return column
}

const plain = new Set(
  'int2 int4 int8 float4 float8 numeric bool text varchar bpchar uuid date time timetz timestamp timestamptz'.split(
    ' ',
  ),
)

/** Values of these types are the same after a way through jsonb; those of others are kept as the text that PostgreSQL writes. */
const isPlain = ({ base, type }: Column): boolean =>
  plain.has(base) && type.replaceAll('"', '') === `pg_catalog.${base}`

/** An SQL expression of type jsonb: columns of a row by their names. A function takes 50 pairs. */
export function rowJson(columns: readonly Column[], row: string): string {
  const pairs = columns.map((column) => {
    const value = `${row}.${column.quoted}`
    return `${quotedText(column.name)}, ${isPlain(column) ? value : `${value}::text`}`
  })
  const parts = []
  for (let at = 0; at < pairs.length; at += 50)
    parts.push(`pg_catalog.jsonb_build_object(${pairs.slice(at, at + 50).join(', ')})`)
  return parts.length === 1 ? `${parts[0]}` : `(${parts.join(' || ')})`
}

/** An SQL expression: the value of a column from what `rowJson` has made. */
export const valueFrom = (json: string, { name, type }: Column): string => `(${json} ->> ${quotedText(name)})::${type}`

const whole = new Set(['int2', 'int4', 'int8'])
export const isWhole = ({ base }: Pick<Column, 'base'>): boolean => whole.has(base)
export const isNumber = ({ base }: Column): boolean => whole.has(base) || ['float4', 'float8', 'numeric'].includes(base)
export const isText = ({ base }: Column): boolean => base === 'text' || base === 'varchar'
const isTimestamp = ({ base }: Column): boolean => ['timestamptz', 'timestamp', 'date'].includes(base)
/** A number is seconds since 1970. */
export const isTime = (column: Column): boolean => isTimestamp(column) || isNumber(column)

/**
 * The columns that a unique index has beside this one, where no index has it alone: PostgreSQL demands those by which the table has partitions. Two
 * rows of different partitions may then have one value.
 * @returns undefined where an index has the column alone, or with other columns
 */
export function uniqueBeside({ indexes, partitionedBy }: Table, name: string): string[] | undefined {
  const unique = indexes.filter(({ isUnique, isPartial, columns }) => isUnique && !isPartial && columns.includes(name))
  const beside = unique.map(({ columns }) => columns.filter((column) => column !== name))
  if (beside.some((others) => others.length === 0)) return undefined
  return beside.find((others) => others.every((column) => partitionedBy.includes(column)))
}

/** Why no change can set a column; undefined where one can. */
export function whyNotSet({ map }: { map: Pick<JobsMap, 'key'> }, column: Column): string | undefined {
  if (column.isGenerated) return `PostgreSQL computes the column ${column.quoted}`
  if (column.isNumbered) return `PostgreSQL numbers the column ${column.quoted} itself`
  return column.name === map.key ? `the column ${column.quoted} is the key of the jobs` : undefined
}

/** A table of somebody, and how its rows are jobs. */
export interface Mapped {
  map: JobsMap
  table: Table
  /** The domain of its jobs. */
  domain: string
  /** Other tables that the map names, by these names. */
  others: ReadonlyMap<string, Table>
}
