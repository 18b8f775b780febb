import { Failure } from '../../../shared/errors.ts'
import { queueLikeHint } from '../queue-like/find-queue-like.ts'
import type { Sql } from '../sql.ts'

/**
 * The columns by which a table that several programs may have made is told from a table that only has the same name. Every version of
 * every program that works on these tables has them.
 */
const columnsOf: Readonly<Record<string, readonly string[]>> = {
  jobs: ['domain', 'queue', 'job_type', 'status'],
  job_events: ['job_id', 'event_type'],
  job_queue_controls: ['domain', 'queue'],
  job_attachments: ['job_id', 'kind'],
  job_sla_policies: ['domain', 'queue', 'job_type'],
  job_counters: ['domain', 'queue', 'job_type'],
  job_dependencies: ['job_uuid', 'depends_on_job_uuid'],
  jobs_archive: ['domain', 'archived_at'],
  jobs_api_tokens: ['id', 'name', 'secret_hash'],
  job_operations: ['kind', 'filters', 'as_of', 'caller'],
  job_operation_days: ['day', 'previous', 'head'],
  job_operation_rows: ['operation_id', 'job_id', 'before', 'after'],
}

/** What `pg_class.relkind` stands for, and `type` for a type that is no table. */
const kinds: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  S: 'a sequence',
  i: 'an index',
  I: 'an index',
  c: 'a type',
  type: 'a type',
}

interface Relation {
  name: string
  kind: string
  columns: string[]
}

/**
 * Refuses a schema in which something of another program has the name of one of our tables: a migration would add columns, indexes and
 * triggers to it. Only reads.
 * @param schema as a quoted name
 * @param tables the names of all tables that migrations make
 * @returns whether the schema has at least one of the tables
 * @throws Failure `usage` that names the table and its columns
 */
export async function refuseStrangers(sql: Sql, schema: string, tables: readonly string[]): Promise<boolean> {
  const found = await readRelations(sql, schema, tables)
  const strangers = found.filter((relation) => !isOurs(relation))
  const [first, ...others] = strangers.sort((one, other) => Number(other.name === 'jobs') - Number(one.name === 'jobs'))
  if (first === undefined) return found.length > 0
  const more =
    others.length === 0 ? '' : `; so ${others.length === 1 ? 'is' : 'are'} ${others.map(({ name }) => name).join(', ')}`
  throw new Failure('usage', `${textOf(first, schema)}${more}; nothing was made or changed`, {
    hint: [
      await queueLikeHint(sql),
      'JOBS_DB_SCHEMA=<another schema> chooses the schema of the tables; create schema makes one',
    ]
      .filter(Boolean)
      .join('; '),
  })
}

const isTable = ({ kind }: Relation): boolean => kinds[kind] === undefined

const missingIn = ({ name, columns }: Relation): string[] =>
  (columnsOf[name] ?? []).filter((column) => !columns.includes(column))

const isOurs = (relation: Relation): boolean => isTable(relation) && missingIn(relation).length === 0

const mostColumns = 20

function textOf(relation: Relation, schema: string): string {
  const { name, kind, columns } = relation
  if (!isTable(relation))
    return `${schema}.${name} is ${kinds[kind]} of another program, and this server needs a table of that name`
  const listed = columns.slice(0, mostColumns).map((column) => column.replaceAll(/\p{C}/gu, '?'))
  if (columns.length > mostColumns) listed.push(`${columns.length - mostColumns} more`)
  return `${schema}.${name} is the table of another program: it has no ${missingIn(relation).join(', ')}, and its columns are ${listed.join(', ')}`
}

const readRelations = async (sql: Sql, schema: string, tables: readonly string[]): Promise<Relation[]> => [
  ...(await sql<Relation[]>`
    with wanted as (
      select name from pg_catalog.jsonb_array_elements_text(${JSON.stringify(tables)}::text::jsonb) as names (name)
    ),
    place as (
      select oid from pg_catalog.pg_namespace where pg_catalog.quote_ident(nspname) = ${schema}::text
    )
    select
      relname::text as name,
      relkind::text as kind,
      (
        select coalesce(pg_catalog.jsonb_agg(attname order by attnum), '[]')
        from pg_catalog.pg_attribute
        where attrelid = pg_class.oid and attnum > 0 and not attisdropped
      ) as columns
    from pg_catalog.pg_class
    where relnamespace = (select oid from place) and relname in (select name from wanted)
    union all
    select typname::text, 'type', '[]'
    from pg_catalog.pg_type
    where typnamespace = (select oid from place) and typname in (select name from wanted)
      and typrelid = 0 and typcategory <> 'A'
    order by name`),
]
