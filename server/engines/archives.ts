import { namesOf } from '../database/connection/schema-names.ts'
import type { Sql } from '../database/sql.ts'
import { adapters } from './all.ts'
import { archiveTable as mapped } from './mapped/archive.ts'

/** An archive of deleted jobs of another engine, beside our tables. */
export interface EngineArchive {
  engine: string
  /** The name of the table, which needs no quotes. */
  name: string
}

const known: readonly EngineArchive[] = [
  ...adapters.map(({ engine, archive }) => ({ engine, name: archive })),
  { engine: 'mapped', name: mapped },
]

/**
 * The archives of other engines beside our tables, whether or not this server serves the engines. A table of somebody else that only has the
 * name of an archive has no index of ours.
 */
export async function readArchives(sql: Sql): Promise<EngineArchive[]> {
  const rows = await sql<{ name: string }[]>`
    select relname::text as name
    from pg_class
    where relnamespace = (select relnamespace from pg_class where oid = to_regclass('jobsctl_migrations'))
      and relkind = 'r' and relname = any(${known.map(({ name }) => name)}::text[])
      and exists (
        select from pg_index
        join pg_class as entry on entry.oid = indexrelid
        where indrelid = pg_class.oid and entry.relname like 'jobsctl\\_%'
      )`
  return known.filter(({ name }) => rows.some((row) => row.name === name))
}

/** The engine whose archive has jobs of an operation; undefined where none has. */
export async function engineWithCopies(
  sql: Sql,
  archives: readonly EngineArchive[],
  operation: number,
): Promise<string | undefined> {
  const schema = namesOf(sql)?.schema
  if (schema === undefined) return undefined
  for (const { engine, name } of archives) {
    const [copy] =
      await sql`select from ${sql.unsafe(`${schema}.${name}`)} where operation_id = ${operation}::bigint limit 1`
    if (copy) return engine
  }
  return undefined
}
