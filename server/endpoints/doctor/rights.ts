import { allMigrations } from '../../database/migrate/migrations.ts'
import { findMissing, type SchemaObject } from '../../database/migrate/schema-diff.ts'
import { isPossible } from '../../database/migrate/unique-on-partitions.ts'
import { neededSequences } from '../../database/rights/grants.ts'
import { tableRights } from '../../database/rights/table-rights.ts'
import type { Sql } from '../../database/sql.ts'
import { keptOut } from '../../engines/empty-tables.ts'
import { servedBy } from '../../engines/served.ts'
import type { OutputOf } from '../handlers.ts'

type Rights = NonNullable<OutputOf<'storage'>['rights']>

/** What the role of the server may do with the tables, and what they lack because the role may not add it. */
export async function readRights(sql: Sql): Promise<Rights> {
  const made = (await allMigrations()).flatMap(({ makes }) => makes)
  const { mode } = servedBy(sql)
  const missing =
    mode === 'look'
      ? []
      : await findMissing(
          sql,
          // The report on the counts tells about functions.
          made.filter(({ kind, of }) => kind !== 'function' && (mode === 'own' || !keptOut.includes(of))),
        )
  const [row] = await sql<[Omit<Rights, 'lacks' | 'denied'>]>`
    select
      quote_ident(current_user) as role,
      coalesce(current_setting('app.is_admin', true), '') = 'true' as is_admin,
      coalesce(jsonb_agg(name order by at) filter (where row_security_active(id)), '[]') as row_security,
      coalesce(jsonb_agg(name order by at) filter (where row_security_active(id) and not passes), '[]') as closed
    from (
      select
        name, at, to_regclass(name) as id,
        exists (
          select
          from pg_policy
          where polrelid = to_regclass(name) and polpermissive and polcmd in ('*', 'a')
            and coalesce(pg_get_expr(polwithcheck, polrelid), pg_get_expr(polqual, polrelid)) ~ '^true$|app\\.is_admin'
        ) as passes
      from unnest(array['jobs', 'job_attachments', 'job_dependencies']) with ordinality as named (name, at)
    ) as named
    where id is not null`
  return { ...row, lacks: (await possibleOf(sql, missing)).map(textOf), denied: await findDenied(sql) }
}

/** Without the unique indexes that no role could make: the report on missing indexes tells about them. */
async function possibleOf(sql: Sql, missing: readonly SchemaObject[]): Promise<SchemaObject[]> {
  const possible: SchemaObject[] = []
  for (const one of missing)
    if (await isPossible(sql, { table: one.of, keys: one.name, unique: one.kind === 'unique' })) possible.push(one)
  return possible
}

/**
 * The rights that a server needs and its role lacks: `delete on jobs`, `select (payload) on jobs`, `usage on sequence public.jobs_id_seq`. A right
 * to write some columns counts as one on the table; columns that may not be read are named. The next value of a sequence takes `usage` or
 * `update`.
 */
async function findDenied(sql: Sql): Promise<string[]> {
  const needed = Object.entries(tableRights).flatMap(([table, rights]) => rights.map((right) => ({ table, right })))
  const rows = await sql<{ denied: string }[]>`
    select concat("right", ' (' || hidden || ')', ' on ', "table") as denied
    from rows from (
      unnest(${needed.map(({ table }) => table)}::text[]), unnest(${needed.map(({ right }) => right)}::text[])
    ) with ordinality as needed ("table", "right", at)
    cross join lateral (
      select string_agg(quote_ident(attname), ', ' order by attnum) as hidden
      from pg_attribute
      where "right" = 'select' and attrelid = to_regclass("table") and attnum > 0 and not attisdropped
        and has_any_column_privilege(attrelid, 'select') and not has_column_privilege(attrelid, attnum, 'select')
    ) as columns
    where to_regclass("table") is not null and (hidden is not null or not case "right"
      when 'delete' then has_table_privilege(to_regclass("table"), "right")
      else has_any_column_privilege(to_regclass("table"), "right")
    end)
    order by at`
  const sequences = (await neededSequences(sql)).flatMap(({ name, rights }) =>
    rights.split(', ').map((right) => ({ name, right })),
  )
  const unusable = await sql<{ denied: string }[]>`
    select "right" || ' on sequence ' || name as denied
    from rows from (
      unnest(${sequences.map(({ name }) => name)}::text[]), unnest(${sequences.map(({ right }) => right)}::text[])
    ) with ordinality as needed (name, "right", at)
    where not has_sequence_privilege(name, case "right" when 'usage' then 'usage, update' else "right" end)
    order by at`
  return [...rows, ...unusable].map(({ denied }) => denied)
}

/** `trigger jobsctl_updated_at on jobs`; a unique index is named by its columns. */
const textOf = ({ kind, of, name }: SchemaObject): string =>
  kind === 'unique' ? `unique index on ${of} (${name})` : `${kind} ${name} ${kind === 'column' ? 'of' : 'on'} ${of}`
