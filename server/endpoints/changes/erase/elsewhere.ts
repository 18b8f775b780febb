import type { Elsewhere, NotTouched } from '../../../../shared/changes/erase.ts'
import { wordPattern } from '../../../bulk/record/records-naming.ts'
import { namesOf } from '../../../database/connection/schema-names.ts'
import type { Sql } from '../../../database/sql.ts'
import { fromEachPlace } from '../../../engines/served.ts'
import { engineTarget } from '../../../undo/engine/target.ts'

/** Runs a read that ends without an answer where it takes longer than a read may take. */
export type InTime = <Value>(read: (tx: Sql) => Promise<Value>) => Promise<Value | null>

/** Tables that an erasure works on, by their names in any schema. */
const ours = ['jobs', 'jobs_archive', 'job_events']

const mostTables = 20
const longestMs = 10_000

/** What the database has of a person beside jobs, archive, images, attachments and events. */
export async function readElsewhere(inTime: InTime, owner: string | undefined, values: string[]): Promise<Elsewhere> {
  const ofEngine = await readOfEngine(inTime, values)
  const left = await readCopiesLeft(inTime, owner, values)
  const copies = left.length === 0 ? {} : { copies_left: left }
  if (owner === undefined) return { ...copies, ...(ofEngine.length > 0 && { not_touched: ofEngine }) }
  return {
    ...copies,
    not_touched: [...ofEngine, ...(await readNotTouched(inTime, owner))],
    marks: await inTime((tx) => countMarks(tx, owner)),
    worker_names: await inTime((tx) => countWorkerNames(tx, values)),
  }
}

/**
 * Tables of other programs that have a column `owner_user_id`, with the number of their rows of this owner. A table that the server may
 * not read, or that takes too long, has no number.
 */
async function readNotTouched(inTime: InTime, owner: string): Promise<NotTouched[]> {
  const end = Date.now() + longestMs
  const tables = (await inTime(findTables)) ?? []
  const found: NotTouched[] = []
  for (const { table, readable } of tables) {
    const isRead = readable && Date.now() < end
    found.push({ table, rows: isRead ? await inTime((tx) => countRows(tx, table, owner)) : null })
  }
  return found.filter(({ rows }) => rows !== 0)
}

/** Names with their schema, as SQL has them. Partitions are counted with their table. */
const findTables = (sql: Sql): Promise<{ table: string; readable: boolean }[]> => sql<
  { table: string; readable: boolean }[]
>`
  select
    quote_ident(space.nspname) || '.' || quote_ident(class.relname) as table,
    has_schema_privilege(space.oid, 'usage') and has_column_privilege(class.oid, attribute.attnum, 'select') as readable
  from pg_attribute as attribute
  join pg_class as class on class.oid = attribute.attrelid
  join pg_namespace as space on space.oid = class.relnamespace
  where attribute.attname = 'owner_user_id' and not attribute.attisdropped
    and class.relkind in ('r', 'p') and not class.relispartition and class.relpersistence <> 't'
    and class.relname <> all(${ours}::text[]) and not starts_with(class.relname, 'jobsctl_')
    and space.nspname not in ('pg_catalog', 'information_schema')
  order by 1
  limit ${mostTables}`

async function countRows(sql: Sql, table: string, owner: string): Promise<number> {
  const [row] = await sql<[{ rows: number }]>`
    select count(*) as rows from ${sql.unsafe(table)} as other where other.owner_user_id::text = ${owner}::text`
  return row.rows
}

/** The marks of workers that ask for jobs of the owner, which are deleted along. */
async function countMarks(sql: Sql, owner: string): Promise<number> {
  const [row] = await sql<[{ marks: number }]>`
    select count(*) as marks from jobsctl_worker_marks where owner_user_id = ${owner}::text`
  return row.marks
}

/** Names of workers that have one of the values as a word: marks and jobs of others keep them. */
async function countWorkerNames(sql: Sql, values: readonly string[]): Promise<number> {
  const [row] = await sql<[{ names: number }]>`
    select count(*) as names
    from (
      select worker_id::text from jobsctl_worker_marks union select worker_id::text from jobs where worker_id is not null
    ) as named (worker_id)
    where worker_id ~* ${wordPattern(values)}::text`
  return row.names
}

/**
 * Tables in which another engine has payloads beside its jobs, with their rows that have one of the values as a word. A table that the server may
 * not read, or that takes too long, has no number.
 */
async function readOfEngine(inTime: InTime, values: readonly string[]): Promise<NotTouched[]> {
  if (values.length === 0) return []
  const end = Date.now() + longestMs
  const found: NotTouched[] = []
  for (const { table, readable } of (await inTime(findOfEngine)) ?? []) {
    const isRead = readable && Date.now() < end
    found.push({ table, rows: isRead ? await inTime((tx) => countNaming(tx, table, values)) : null })
  }
  return found.filter(({ rows }) => rows !== 0)
}

async function findOfEngine(sql: Sql): Promise<{ table: string; readable: boolean }[]> {
  const tables = (await fromEachPlace(sql, async ({ adapter, found }) => adapter.elsewhere?.(found) ?? [])) ?? []
  return sql<{ table: string; readable: boolean }[]>`
    select name as table, has_table_privilege(name, 'select') as readable
    from unnest(${tables}::text[]) as name
    where pg_catalog.to_regclass(name) is not null`
}

async function countNaming(sql: Sql, table: string, values: readonly string[]): Promise<number> {
  const [row] = await sql<[{ rows: number }]>`
    select count(*) as rows from ${sql.unsafe(table)} as other where row_to_json(other)::text ~* ${wordPattern(values)}::text`
  return row.rows
}

/**
 * What is kept of the jobs of tables of engines that the server does not serve, by the names that these had then. A table that was renamed is
 * another one. Of one that takes too long there is no number.
 */
async function readCopiesLeft(inTime: InTime, owner: string | undefined, values: string[]): Promise<NotTouched[]> {
  if (values.length === 0) return []
  const end = Date.now() + longestMs
  const fields = [
    ...(owner ? ['owner' as const] : []),
    ...(values.length > (owner ? 1 : 0) ? ['payload' as const] : []),
  ]
  const found: NotTouched[] = await readUnread(inTime, fields, values)
  for (const { place: table } of (await inTime(findUnserved)) ?? [])
    found.push({ table, rows: Date.now() < end ? await inTime((tx) => countCopies(tx, table, values)) : null })
  return found.filter(({ rows }) => rows !== 0)
}

/** Copies of jobs of the table itself of which no filter reads the fields: their columns had other names then. */
async function readUnread(
  inTime: InTime,
  fields: readonly ('owner' | 'payload')[],
  values: readonly string[],
): Promise<NotTouched[]> {
  const found: NotTouched[] = []
  const rows = await inTime(async (tx) => {
    const target = engineTarget(tx)
    const unread = target?.adapter.unreadCopies?.(fields)
    const archive = (await findArchives(tx)).find(({ name }) => name === target?.adapter.archive)
    if (!target || unread === undefined || !archive) return []
    found.push({ table: target.writes.table(target.found), rows: null })
    const [row] = await tx<[{ rows: number }]>`
      select count(*) as rows
      from ${tx.unsafe(archive.table)} as copy
      where ${tx.unsafe(unread)} and row_to_json(copy)::text ~* ${wordPattern(values)}::text`
    return [row.rows]
  })
  return found.map(({ table }) => ({ table, rows: rows?.[0] ?? null }))
}

/** The archives that were made for engines, whichever of them the server serves. */
async function findArchives(sql: Sql): Promise<{ name: string; table: string; readable: boolean }[]> {
  const { schema } = namesOf(sql) ?? {}
  if (schema === undefined) return []
  return sql<{ name: string; table: string; readable: boolean }[]>`
    select relname::text as name, oid::regclass::text as table, has_table_privilege(oid, 'select') as readable
    from pg_class
    where relnamespace = to_regnamespace(${schema}::text) and relkind in ('r', 'p') and relname like '%\\_archive'
      -- A table of another program may have a name like these.
      and exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'job_schema' and not attisdropped)
    order by 1`
}

async function findUnserved(sql: Sql): Promise<{ place: string }[]> {
  const { servedTables } = namesOf(sql)?.place ?? {}
  if (!servedTables) return []
  return sql<{ place: string }[]>`
    select distinct place
    from jobsctl_operation_terms
    where place <> all(${[...servedTables]}::text[])
    order by 1
    limit ${mostTables}`
}

/** @returns null where the server may not read an archive */
async function countCopies(sql: Sql, table: string, values: readonly string[]): Promise<number | null> {
  const archives = await findArchives(sql)
  if (archives.some(({ readable }) => !readable)) return null
  const ofTable = sql`operation_id in (select operation_id from jobsctl_operation_terms where place = ${table}::text)`
  const copies = archives.map(
    ({ table: archive }) => sql`
      union all
      select row_to_json(copy)::text from ${sql.unsafe(archive)} as copy where ${ofTable}`,
  )
  const [row] = await sql<[{ rows: number }]>`
    select count(*) as rows
    from (
      select row_to_json(image)::text from job_operation_rows as image where ${ofTable}
      ${copies.reduce((all, one) => sql`${all} ${one}`, sql``)}
    ) as kept (text)
    where text ~* ${wordPattern(values)}::text`
  return row.rows
}
