import type { Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { type FoundRow, foundOf } from '../parts/found-row.ts'
import { releaseOf } from './versions.ts'

/**
 * Reads what a schema has of pg-boss, from the catalog but for its version and its queues. Only reads.
 * @param schema as a quoted name
 */
export async function readFound(sql: Sql, schema: string): Promise<Found> {
  const of = sql.unsafe(schema)
  const [row] = await sql<[FoundRow]>`
    select
      (select pg_catalog.max(version) from ${of}.version)::int as version,
      (select pg_catalog.count(*) from ${of}.queue) as queues,
      (select nspname from pg_catalog.pg_namespace where oid = ${schema}::text::regnamespace)::text as "schemaName",
      (
        select pg_catalog.count(*)
        from pg_catalog.pg_class
        where relnamespace = ${schema}::text::regnamespace and relkind in ('r', 'p')
      ) as tables,
      -- Nobody counts the table itself, which has the rows of its partitions.
      (
        select coalesce(pg_catalog.sum(reltuples), -1)::bigint
        from pg_catalog.pg_class
        where relkind = 'r' and reltuples >= 0 and oid in (
          select relid from pg_catalog.pg_partition_tree((${schema}::text || '.job')::regclass)
          union all select (${schema}::text || '.job')::regclass
        )
      ) as jobs,
      (
        select coalesce(pg_catalog.jsonb_agg(attname order by attnum), '[]')
        from pg_catalog.pg_attribute
        where attrelid = (${schema}::text || '.job')::regclass and attnum > 0 and not attisdropped
      ) as columns,
      -- After an upgrade of pg-boss, its indexes are built while it runs.
      (
        select coalesce(pg_catalog.jsonb_agg(name order by name), '[]')
        from (
          select (pg_catalog.regexp_match(pg_index.indexrelid::regclass::text, '_(i[0-9]+)"?$'))[1] as name
          from pg_catalog.pg_partition_tree((${schema}::text || '.job')::regclass) as part
          join pg_catalog.pg_index on indrelid = relid and indisvalid
          where isleaf
          group by name
          having pg_catalog.count(*) = (
            select pg_catalog.count(*) from pg_catalog.pg_partition_tree((${schema}::text || '.job')::regclass) where isleaf
          )
        ) as everywhere
        where name is not null
      ) as indexes,
      (
        select coalesce(pg_catalog.jsonb_agg(relname order by relname), '[]')
        from pg_catalog.pg_class
        where relnamespace = ${schema}::text::regnamespace and relkind in ('r', 'p') and relname in ('instance', 'job_dependency')
      ) as beside`
  return foundOf(schema, row, releaseOf)
}
