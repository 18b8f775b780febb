import type { z } from 'zod'
import type { storage } from '../../../shared/doctor/storage.ts'
import { allMigrations } from '../../database/migrate/migrations.ts'
import { findMissing, type SchemaObject } from '../../database/migrate/schema-diff.ts'
import type { Sql } from '../../database/sql.ts'

type Rights = NonNullable<z.output<typeof storage.output>['rights']>

/** What the role of the server may do with the tables, and what they lack because the role may not add it. */
export async function readRights(sql: Sql): Promise<Rights> {
  const made = (await allMigrations()).flatMap(({ makes }) => makes)
  const missing = await findMissing(
    sql,
    // The report on the counts tells about functions.
    made.filter(({ kind }) => kind !== 'function'),
  )
  const [row] = await sql<[Omit<Rights, 'lacks'>]>`
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
  return { ...row, lacks: missing.map(textOf) }
}

/** `trigger jobsctl_updated_at on jobs`; a unique index is named by its columns. */
const textOf = ({ kind, of, name }: SchemaObject): string =>
  kind === 'unique' ? `unique index on ${of} (${name})` : `${kind} ${name} ${kind === 'column' ? 'of' : 'on'} ${of}`
