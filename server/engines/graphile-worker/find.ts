import { Failure } from '../../../shared/errors.ts'
import type { Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { type FoundRow, foundOf } from '../parts/found-row.ts'
import { releaseOf } from './versions.ts'

interface Row extends FoundRow {
  role: string
  /** Whose table has the hidden rows. */
  owner: string | null
}

/**
 * Reads what a schema has of graphile-worker, from the catalog but for its version and its queues. Only reads.
 * @param schema as a quoted name
 * @throws Failure `usage` for a role from which row-level security hides the jobs: it would read no row, and no error
 */
export async function readFound(sql: Sql, schema: string): Promise<Found> {
  const of = sql.unsafe(schema)
  const [{ role, owner, ...row }] = await sql<[Row]>`
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
      pg_catalog.quote_ident(current_user) as role,
      hidden.owner
    from pg_catalog.pg_class
    join pg_catalog.pg_namespace on pg_namespace.oid = relnamespace
    left join lateral (
      -- Where the names of queues and tasks are hidden, each job would be one of no queue.
      select pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(private.relowner)) as owner
      from pg_catalog.pg_class as private
      where private.relnamespace = pg_class.relnamespace and private.relname in ('_private_jobs', '_private_job_queues', '_private_tasks')
        and pg_catalog.row_security_active(private.oid)
      limit 1
    ) as hidden on true
    where pg_class.oid = (${schema}::text || '._private_jobs')::regclass`
  if (owner !== null) throw hidden({ schema, role, owner })
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
