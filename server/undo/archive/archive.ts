import { Failure } from '../../../shared/errors.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import { hasId, idArray } from '../../database/job-ids.ts'
import type { Fragment, Pool, Sql } from '../../database/sql.ts'
import { limitIdleTime } from '../../database/timeouts.ts'
import { fromAllPlaces, servedBy } from '../../engines/served.ts'
import { engineTarget } from '../engine/target.ts'
import { type ColumnPair, columnList, quoted, readColumnPairs } from './archive-columns.ts'

/** The archive after `prepareArchive`. */
export interface Archive {
  /** The columns of `jobs` that the archive stores, those of other programs included. */
  columns: string[]
}

/** The columns that the archive has beside the columns of `jobs`, with their types. */
const ownColumns = {
  operation_id: 'bigint',
  archived_at: 'timestamp with time zone',
  job_attachments: 'jsonb',
  job_dependencies: 'jsonb',
}

/**
 * The names of `ownColumns` that the archive lacks. They are missing where the server's role may not add them; the archive
 * then holds no row of an operation.
 */
export async function missingArchiveColumns(sql: Sql): Promise<(keyof typeof ownColumns)[]> {
  // The archive of another engine is read with all columns of ours.
  if (servedBy(sql).mode !== 'own') return []
  const rows = await sql<{ name: keyof typeof ownColumns }[]>`
    select name
    from unnest(${Object.keys(ownColumns)}::text[]) as name
    where not exists (
      select from pg_attribute
      where attrelid = to_regclass('jobs_archive') and attname = name and not attisdropped
    )`
  return rows.map(({ name }) => name)
}

/** True where the archive has all columns that operations need to archive and restore jobs. */
export const hasArchive = async (sql: Sql): Promise<boolean> => (await missingArchiveColumns(sql)).length === 0

/** False where there is no archive of deleted jobs, and in its place a query without rows, which lacks the columns of the engine. */
function keepsDeleted(sql: Sql): boolean {
  const { mode, places } = servedBy(sql)
  return mode === 'own' || (mode === 'admin' && places.every(({ lacksArchive }) => !lacksArchive))
}

/** An SQL condition on a row of the archive with the alias `jobs`: true for a job with one of these ids, by the index that the archive has. */
export const hasIdInArchive = (sql: Sql, ids: readonly JobId[]): Fragment =>
  keepsDeleted(sql) ? hasId(sql, ids) : sql`jobs.id = any(${idArray(sql, ids)})`

/** Columns of a row of the archive, as a list: the order of the index over the jobs of an operation. */
export const orderInOperation = (sql: Sql): Fragment =>
  sql.unsafe(keepsDeleted(sql) ? (engineTarget(sql)?.writes.archivedBy.order ?? 'id') : 'id')

/**
 * An SQL expression: when a job of an operation was archived, the first one by the index; null where none is in the archive.
 * @param operation an expression: the id of the operation
 */
export const archivedAt = (sql: Sql, operation: Fragment): Fragment => sql`(
  select min(archived_at)
  from (${fromAllPlaces(
    sql,
    (of) => of`
      select jobs.archived_at
      from jobs_archive as jobs
      where jobs.operation_id = ${operation}
      order by jobs.operation_id, ${orderInOperation(of)}
      limit 1`,
  )}) as first_of_operation
)`

/** For each type of `jobs`, the other types of the archive that hold every value and give it back unchanged. */
const widerTypes: ReadonlyMap<string, readonly string[]> = new Map([
  ['smallint', ['integer', 'bigint', 'numeric']],
  ['integer', ['bigint', 'numeric']],
  ['bigint', ['numeric']],
  ['real', ['double precision']],
])

/**
 * Alters the table `jobs_archive` so that it has a column for every column of `jobs`: a job that cannot be archived whole
 * must not be deleted.
 * @throws Failure `conflict` when a column cannot be added, or has a type that does not hold the values of `jobs`
 */
export async function prepareArchive(sql: Pool): Promise<Archive> {
  const columns = await readColumnPairs(sql, 'jobs', 'jobs_archive')
  for (const column of columns) {
    if (column.isGenerated && column.isOtherGenerated) continue
    if (column.otherType === null) await addColumn(sql, { ...column, preset: constantDefault(column) })
    else if (!holdsAllValues(column)) {
      const { name, type, otherType } = column
      throw notArchivable(`the column ${name} of jobs_archive (${otherType}) does not hold the type of jobs (${type})`)
    }
  }
  for (const name of await missingArchiveColumns(sql))
    await addColumn(sql, { name, type: ownColumns[name], preset: null })
  return { columns: columns.filter(({ isOtherGenerated }) => !isOtherGenerated).map(({ name }) => name) }
}

function holdsAllValues({ name, type, otherType, isOtherGenerated }: ColumnPair): boolean {
  if (Object.hasOwn(ownColumns, name) || isOtherGenerated) return false
  if (otherType === type || otherType === null) return true
  const withoutLimit = type.replace(/\(.*\)/, '')
  return (
    otherType === withoutLimit ||
    (otherType === 'text' && withoutLimit === 'character varying') ||
    widerTypes.get(type)?.includes(otherType) === true
  )
}

/** The default, where it is a constant: a call of a function such as `now()` gives archived rows a wrong value. */
const constantDefault = ({ defaultExpression }: ColumnPair): string | null =>
  /^[^(]*$/.exec(defaultExpression ?? '(')?.[0] ?? null

interface AddedColumn {
  name: string
  type: string
  /** The value of rows that were archived before: the default that `jobs` had for its rows then. */
  preset: string | null
}

async function addColumn(sql: Pool, { name, type, preset }: AddedColumn): Promise<void> {
  await sql
    .begin(async (tx) => {
      await tx`select set_config('lock_timeout', '1s', true), ${limitIdleTime(tx)}`
      const column = quoted(tx, name)
      const filled = preset === null ? tx`` : tx`default ${tx.unsafe(preset)}`
      await tx`alter table jobs_archive add column if not exists ${column} ${tx.unsafe(type)} ${filled}`
      if (preset !== null) await tx`alter table jobs_archive alter column ${column} drop default`
      await tx.savepoint((point) => noteAdded(point, name)).catch(() => {}) // an earlier version has made the database
    })
    .catch((cause: unknown) => {
      throw notArchivable(`jobs_archive has no column ${name}, and the server cannot add it`, cause)
    })
}

/** Notes the column where the migrations note what they make, so that `jobs-server uninstall` takes it out. */
const noteAdded = (tx: Sql, name: string) => tx`
  update jobsctl_migrations
  set made = made || jsonb_build_array(jsonb_build_object('kind', 'column', 'of', 'jobs_archive', 'name', ${name}::text))
  where number = 1`

const notArchivable = (why: string, cause?: unknown): Failure =>
  new Failure('conflict', `${why}; nothing was changed`, {
    hint: 'alter the table jobs_archive, or start the server with JOBS_ARCHIVE_BEFORE_DELETE=false: a prune then cannot be undone',
    cause,
  })

/**
 * An INSERT that archives jobs with their attachments and edges. Needs the CTEs `deleted_jobs` (rows of `jobs`),
 * `attachments`, `dependencies` and `dependents` (deleted rows of the tables beside). An edge between two deleted jobs is
 * archived with both, since the job that is restored last restores the edge.
 */
export const insertIntoArchive = (
  sql: Sql,
  { columns }: Archive,
  { operation }: { operation: number },
): Fragment => sql`
  insert into jobs_archive (${columnList(sql, columns)}, operation_id, archived_at, job_attachments, job_dependencies)
  overriding system value
  select ${columnList(sql, columns, 'deleted_jobs')}, ${operation}::bigint, now(), attached.list, edges.list
  from deleted_jobs
  left join (
    select job_id, jsonb_agg(to_jsonb(attachments)) as list
    from attachments
    group by job_id
  ) as attached on attached.job_id = deleted_jobs.id
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
  ) as edges on edges.owner = deleted_jobs.uuid`

/** An INSERT that archives jobs without attachments and edges. Needs the CTE `deleted_jobs` (rows of `jobs`). */
export const insertIntoArchiveBare = (
  sql: Sql,
  { columns }: Archive,
  { operation }: { operation: number },
): Fragment => sql`
  insert into jobs_archive (${columnList(sql, columns)}, operation_id, archived_at)
  overriding system value
  select ${columnList(sql, columns)}, ${operation}::bigint, now()
  from deleted_jobs`
