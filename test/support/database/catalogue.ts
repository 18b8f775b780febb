import type { Sql } from 'postgres'

/** Everything that a database has beside rows, in all schemas that are not of PostgreSQL, a line each: two databases that are alike have the same. */
export async function catalogueOf(sql: Sql): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    with spaces as materialized (
      select oid, nspname, nspowner, nspacl from pg_namespace where nspname !~ '^(pg_|information_schema$)'
    ),
    classes as materialized (select c.*, nspname from pg_class as c join spaces on spaces.oid = relnamespace)
    select concat_ws(' ', 'schema', nspname, nspowner::regrole, nspacl) as line from spaces
    union all
    select concat_ws(
      ' ', 'class', nspname, relname, relkind, relpersistence, relreplident, relrowsecurity, relforcerowsecurity, relowner::regrole,
      relacl, reloptions, relispartition
    )
    from classes
    union all
    select concat_ws(
      ' ', 'column', nspname, relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
      attcollation::regcollation, attacl, attoptions, attstorage, pg_get_expr(adbin, adrelid)
    )
    from pg_attribute
    join classes on classes.oid = attrelid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attnum > 0 and not attisdropped
    union all
    select concat_ws(' ', 'constraint', nspname, relname, conname, convalidated, pg_get_constraintdef(pg_constraint.oid))
    from pg_constraint
    join classes on classes.oid = conrelid
    union all
    select concat_ws(' ', 'index', indisvalid, indisready, indisreplident, pg_get_indexdef(indexrelid))
    from pg_index
    join classes on classes.oid = indrelid
    union all
    select concat_ws(' ', 'trigger', tgenabled, pg_get_triggerdef(pg_trigger.oid))
    from pg_trigger
    join classes on classes.oid = tgrelid
    where not tgisinternal
    union all
    select concat_ws(' ', 'function', proowner::regrole, proacl, pg_get_functiondef(pg_proc.oid))
    from pg_proc
    join spaces on spaces.oid = pronamespace
    where prokind <> 'a'
    union all
    select concat_ws(' ', 'type', nspname, typname) from pg_type join spaces on spaces.oid = typnamespace
    union all
    select concat_ws(' ', 'policy', schemaname, tablename, policyname, cmd, qual, with_check) from pg_policies
    union all
    select concat_ws(' ', 'view', schemaname, viewname, definition) from pg_views where schemaname in (select nspname from spaces)
    union all
    select concat_ws(' ', 'extension', extname) from pg_extension
    union all
    select concat_ws(' ', 'publication', pubname, puballtables) from pg_publication
    union all
    select concat_ws(' ', 'statistics', stxname) from pg_statistic_ext
    union all
    select concat_ws(' ', 'comment', description) from pg_description where classoid = 'pg_class'::regclass and objoid in (select oid from classes)
    order by line`
  return rows.map(({ line }) => line)
}
