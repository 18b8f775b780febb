import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import { type FoundRow, foundOf } from '../parts/found-row.ts'
import { releaseOf } from './versions.ts'

/**
 * A query of the names `queue` of all queues that have a job, one entry of the primary key for each of them.
 * @param schema of BullMQ, as a quoted name
 */
export const queuesOf = (sql: Sql, schema: string): Fragment => {
  const of = sql.unsafe(schema)
  return sql`
    with recursive named (queue) as (
      (select j.queue from ${of}.job as j order by j.queue limit 1)
      union all
      select (select j.queue from ${of}.job as j where j.queue > named.queue order by j.queue limit 1)
      from named
      where named.queue is not null
    )
    select queue from named where queue is not null`
}

/**
 * Reads what a schema has of BullMQ, from the catalog but for its version and its queues. Only reads.
 * @param schema as a quoted name
 */
export async function readFound(sql: Sql, schema: string): Promise<Found> {
  const of = sql.unsafe(schema)
  const [row] = await sql<[FoundRow]>`
    select
      coalesce((select pg_catalog.max(version) from ${of}.migration), 0)::int as version,
      (select pg_catalog.count(*) from (${queuesOf(sql, schema)}) as named) as queues,
      (select nspname from pg_catalog.pg_namespace where oid = ${schema}::text::regnamespace)::text as "schemaName",
      (
        select pg_catalog.count(*)
        from pg_catalog.pg_class
        where relnamespace = ${schema}::text::regnamespace and relkind in ('r', 'p')
      ) as tables,
      (select reltuples::bigint from pg_catalog.pg_class where oid = (${schema}::text || '.job')::regclass) as jobs,
      (
        select coalesce(pg_catalog.jsonb_agg(attname order by attnum), '[]')
        from pg_catalog.pg_attribute
        where attrelid = (${schema}::text || '.job')::regclass and attnum > 0 and not attisdropped
      ) as columns,
      (
        select coalesce(pg_catalog.jsonb_agg(relname order by relname), '[]')
        from pg_catalog.pg_class
        where relnamespace = ${schema}::text::regnamespace and relkind in ('r', 'p')
      ) as beside`
  return foundOf(schema, row, releaseOf)
}
