import { Failure } from '../../shared/errors.ts'
import type { RunningChange } from '../bulk/bulk-change.ts'
import { limitIdleTime } from '../database/idle-timeout.ts'
import type { Fragment, Pool, Sql } from '../database/sql.ts'

/** The columns of `jobs`, by name: all of them, also those of other programs, but for what the archive makes itself. */
export interface Archive {
  columns: string[]
}

interface Column {
  name: string
  type: string
  /** What the archive has under this name; null where it has nothing. */
  there: string | null
  /** Its default, where that is a plain value. */
  preset: string | null
  /** It is generated from others: in `jobs`, and in the archive. */
  made: boolean
  made_there: boolean
}

/** What the archive has beside the columns of `jobs`. */
const ownColumns = {
  operation_id: 'bigint',
  archived_at: 'timestamp with time zone',
  job_attachments: 'jsonb',
  job_dependencies: 'jsonb',
}

/** Those of its own columns that the archive lacks, because this role may not add them: then nothing of ours is in it. */
export async function missingArchiveColumns(sql: Sql): Promise<(keyof typeof ownColumns)[]> {
  const rows = await sql<{ name: keyof typeof ownColumns }[]>`
    select name
    from unnest(${Object.keys(ownColumns)}::text[]) as name
    where not exists (
      select from pg_attribute
      where attrelid = to_regclass('jobs_archive') and attname = name and not attisdropped
    )`
  return rows.map(({ name }) => name)
}

/** Whether operations can put jobs away, and take them back. */
export const hasArchive = async (sql: Sql): Promise<boolean> => (await missingArchiveColumns(sql)).length === 0

/** Types of the archive that hold whatever the type of `jobs` does, and give it back as it was. */
const wider: Record<string, readonly string[]> = {
  smallint: ['integer', 'bigint', 'numeric'],
  integer: ['bigint', 'numeric'],
  bigint: ['numeric'],
  real: ['double precision'],
}

/**
 * Makes sure that the archive has a place for every column of `jobs`: a row comes back as it was, or it does not go.
 * @throws Failure `conflict` when a column is missing there and cannot be added, or has no right place
 */
export async function prepareArchive(sql: Pool): Promise<Archive> {
  const columns = await sql<Column[]>`
    select own.attname as name, format_type(own.atttypid, own.atttypmod) as type,
      format_type(there.atttypid, there.atttypmod) as there,
      case when own.attgenerated = '' then substring(pg_get_expr(preset.adbin, preset.adrelid) from '^[^(]*$') end as preset,
      own.attgenerated <> '' as made, coalesce(there.attgenerated <> '', false) as made_there
    from pg_attribute own
    left join pg_attrdef preset on preset.adrelid = own.attrelid and preset.adnum = own.attnum
    left join pg_attribute there
      on there.attrelid = to_regclass('jobs_archive') and there.attname = own.attname and not there.attisdropped
    where own.attrelid = to_regclass('jobs') and own.attnum > 0 and not own.attisdropped
    order by own.attnum`
  for (const column of columns) {
    if (column.made && column.made_there) continue
    if (column.there === null) await addColumn(sql, column)
    else if (!holds(column))
      throw noPlace(
        `the column ${column.name} of jobs_archive (${column.there}) does not hold what jobs has (${column.type})`,
      )
  }
  for (const name of await missingArchiveColumns(sql))
    await addColumn(sql, { name, type: ownColumns[name], preset: null })
  return { columns: columns.filter(({ made_there }) => !made_there).map(({ name }) => name) }
}

function holds({ name, type, there, made_there }: Column): boolean {
  if (name in ownColumns || made_there) return false
  if (there === type || there === null) return true
  const withoutLimit = type.replace(/\(.*\)/, '')
  return (
    there === withoutLimit ||
    (there === 'text' && withoutLimit === 'character varying') ||
    wider[type]?.includes(there) === true
  )
}

/** What was put away before has in it what the jobs that were there then have: the default. */
async function addColumn(sql: Pool, { name, type, preset }: Pick<Column, 'name' | 'type' | 'preset'>): Promise<void> {
  await sql
    .begin(async (tx) => {
      await tx`select set_config('lock_timeout', '1s', true), ${limitIdleTime(tx)}`
      const column = quoted(tx, name)
      const filled = preset === null ? tx`` : tx`default ${tx.unsafe(preset)}`
      await tx`alter table jobs_archive add column if not exists ${column} ${tx.unsafe(type)} ${filled}`
      if (preset !== null) await tx`alter table jobs_archive alter column ${column} drop default`
    })
    .catch((cause: unknown) => {
      throw noPlace(`jobs_archive has no column ${name}, and it cannot be added`, cause)
    })
}

const noPlace = (why: string, cause?: unknown): Failure =>
  new Failure('conflict', `${why}; nothing was changed`, {
    hint: 'mend it, or start the server with JOBS_ARCHIVE_BEFORE_DELETE=false: then a prune cannot be undone',
    cause,
  })

/** `a, b, c`, each perhaps of a table. */
export const columnList = (sql: Sql, columns: readonly string[], table?: string): Fragment =>
  columns
    .map((name) => (table ? sql`${sql(table)}.${quoted(sql, name)}` : quoted(sql, name)))
    .reduce((list, column) => sql`${list}, ${column}`)

/** The driver would take a dot in a name for one between two. */
const quoted = (sql: Sql, name: string): Fragment => sql.unsafe(`"${name.replaceAll('"', '""')}"`)

/**
 * Moves the rows of `gone` there, with what hung on each. An edge between two of them goes with both, since the one that
 * comes back last brings it back.
 */
export const insertIntoArchive = (sql: Sql, { columns }: Archive, { operation }: RunningChange): Fragment => sql`
  insert into jobs_archive (${columnList(sql, columns)}, operation_id, archived_at, job_attachments, job_dependencies)
  overriding system value
  select ${columnList(sql, columns, 'gone')}, ${operation}::bigint, now(), attached.list, edges.list
  from gone
  left join (
    select job_id, jsonb_agg(to_jsonb(attachments)) as list
    from attachments
    group by job_id
  ) as attached on attached.job_id = gone.id
  left join (
    select owner, jsonb_agg(edge) as list
    from (
      select job_uuid as owner, to_jsonb(dependencies) as edge from dependencies
      union all
      select depends_on_job_uuid, to_jsonb(dependencies) from dependencies
      union all
      select job_uuid, to_jsonb(dependents) from dependents
      union all
      select depends_on_job_uuid, to_jsonb(dependents) from dependents
    ) as either
    group by owner
  ) as edges on edges.owner = gone.uuid`

/** The same where nothing hung on them. */
export const insertIntoArchiveBare = (sql: Sql, { columns }: Archive, { operation }: RunningChange): Fragment => sql`
  insert into jobs_archive (${columnList(sql, columns)}, operation_id, archived_at)
  overriding system value
  select ${columnList(sql, columns)}, ${operation}::bigint, now()
  from gone`
