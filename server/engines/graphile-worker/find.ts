import { Failure } from '../../../shared/errors.ts'
import type { Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { type FoundRow, foundOf } from '../parts/found-row.ts'
import { releaseOf } from './versions.ts'

interface Row extends FoundRow {
  hides_rows: boolean
  role: string
  owner: string
}

/**
 * Reads what a schema has of graphile-worker, from the catalog but for its version and its queues. Only reads.
 * @param schema as a quoted name
 * @throws Failure `usage` for a role from which row-level security hides the jobs: it would read no row, and no error
 */
export async function readFound(sql: Sql, schema: string): Promise<Found> {
  const of = sql.unsafe(schema)
  const [{ hides_rows, role, owner, ...row }] = await sql<[Row]>`
    select
      (select pg_catalog.max(id) from ${of}.migrations)::int as version,
      (select pg_catalog.count(*) from ${of}._private_job_queues) as queues,
      nspname::text as "schemaName",
      (
        select pg_catalog.count(*) from pg_catalog.pg_class as other where other.relnamespace = pg_class.relnamespace and other.relkind in ('r', 'p')
      ) as tables,
      reltuples::bigint as jobs,
      (
        select coalesce(pg_catalog.jsonb_agg(attname order by attnum), '[]')
        from pg_catalog.pg_attribute
        where attrelid = pg_class.oid and attnum > 0 and not attisdropped
      ) as columns,
      pg_catalog.row_security_active(pg_class.oid) as hides_rows,
      pg_catalog.quote_ident(current_user) as role,
      pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(relowner)) as owner
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    where pg_class.oid = (${schema}::text || '._private_jobs')::regclass`
  if (hides_rows) throw hidden({ schema, role, owner })
  return foundOf(schema, row, releaseOf)
}

const hidden = ({ schema, role, owner }: Record<'schema' | 'role' | 'owner', string>): Failure =>
  new Failure(
    'usage',
    `row-level security hides the jobs of graphile-worker in ${schema} from the role ${role}: it would count 0 jobs; nothing was started`,
    {
      hint: `look as the owner, or with BYPASSRLS: connect as ${owner}, or let its owner run: grant ${owner} to ${role}; or a superuser: alter role ${role} bypassrls`,
    },
  )
