import type { Sql } from '../sql.ts'

/** An object that a migration makes. */
export interface SchemaObject {
  kind: 'table' | 'column' | 'function' | 'trigger' | 'index' | 'unique'
  /** The table that the object belongs to; empty for a table and a function. */
  of: string
  /** The name. For a unique index its columns, `a, b`, since another program may give the same index another name. */
  name: string
  /** The type of a column, such as `text`. */
  type?: string
}

const tables = /^create (?:temporary table wanted_|table if not exists )(\w+) \(\n(.*?)^\)/gms
const columns = /^ {2}(?!primary |unique |like )(\w+) +(\w+(?: precision)?(?:\[\])?)/gm
const alteredTables = /^ *alter table (\w+)\s+(add column [^;]*);/gm
const addedColumns = /add column (?:if not exists )?(\w+) (\w+(?: precision)?(?:\[\])?)/g
const functions = /^create or replace function (\w+)/gm
const triggers = /^ *create trigger (\w+) \w+ \w+ on (\w+)/gm
const uniques = /^create unique index concurrently if not exists \w+\s+on (\w+) \((.*)\)(?=;|$)(?!\s+where)/gm
/** A unique index of some rows is found by its name, as any index is: no other program has one like it. */
const indexes =
  /^create (?:index concurrently if not exists (\w+)\s+on (\w+)|unique index concurrently if not exists (\w+)\s+on (\w+) \(.*\)\s+where)/gm

/** The objects that a migration makes, found in its text. */
export function objectsMadeBy(text: string): SchemaObject[] {
  const found = (pattern: RegExp) =>
    [...text.matchAll(pattern)].map(([, ...parts]) => {
      const [one = '', other = ''] = parts.filter((part) => part !== undefined)
      return [one, other] as const
    })
  const columnsOf = (body: string) => [...body.matchAll(columns)].map(([, name = '', type = '']) => ({ name, type }))
  return [
    ...found(tables).flatMap(([of, body]) =>
      columnsOf(body).map(({ name, type }): SchemaObject => ({ kind: 'column', of, name, type })),
    ),
    ...found(alteredTables).flatMap(([of, additions]) =>
      [...additions.matchAll(addedColumns)].map(
        ([, name = '', type = '']): SchemaObject => ({ kind: 'column', of, name, type }),
      ),
    ),
    ...found(functions).map(([name]): SchemaObject => ({ kind: 'function', of: '', name })),
    ...found(triggers).map(([name, of]): SchemaObject => ({ kind: 'trigger', of, name })),
    ...found(uniques).map(([of, name]): SchemaObject => ({ kind: 'unique', of, name })),
    ...found(indexes).map(([name, of]): SchemaObject => ({ kind: 'index', of, name })),
  ]
}

/** The objects that are not in the database: never made, dropped, half built, or missing in a backup that was restored. */
export const findMissing = async (sql: Sql, made: readonly SchemaObject[]): Promise<SchemaObject[]> => [
  ...(await sql<SchemaObject[]>`
    select kind, "of", name
    from jsonb_to_recordset(${JSON.stringify(made)}::text::jsonb) as made (kind text, "of" text, name text)
    where not case kind
      when 'table' then to_regclass(name) is not null
      when 'column' then exists (
        select from pg_attribute where attrelid = to_regclass("of") and attname = made.name and not attisdropped
      )
      when 'function' then to_regproc(name) is not null
      when 'trigger' then exists (
        select
        from pg_trigger
        join pg_proc on pg_proc.oid = tgfoid
        where tgrelid = to_regclass("of") and not tgisinternal
          -- Another program's trigger that sets updated_at before the update of a row counts, whatever its name is.
          and (tgname = made.name or (made.name = 'jobsctl_updated_at' and prosrc ilike '%updated_at%' and tgtype & 19 = 19))
      )
      when 'index' then exists (select from pg_index where indexrelid = to_regclass(name) and indisvalid)
      when 'unique' then exists (
        select
        from pg_index
        where indrelid = to_regclass("of") and indisunique and indimmediate and indisvalid and indpred is null
          and made.name = (
            select string_agg(attname, ', ' order by at)
            from unnest(indkey::int2[]) with ordinality as key (number, at)
            join pg_attribute on attrelid = indrelid and attnum = number
          )
      )
    end`),
]

/** A list for people, such as `jobs.uuid, jobs.queue and 12 more`. */
export function listOfObjects(missing: readonly SchemaObject[]): string {
  const names = missing.map(({ of, name }) => (of ? `${of}.${name}` : name))
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '')
}
