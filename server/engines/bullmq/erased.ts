import type { Fragment, Sql } from '../../database/sql.ts'
import type { Found } from '../found.ts'
import type { EngineWrites } from '../writes.ts'
import { tellQueues } from './along.ts'
import { along } from './archive.ts'

/**
 * What goes with an erasure, as with `job.remove()` of BullMQ: the deduplication id of a job is free, an edge that waits for it is gone, and who
 * waits for it is told. The result of a child stands in the archived edges of its parent, too, where it is overwritten.
 */
export const erased: NonNullable<EngineWrites['erased']> = {
  columns:
    'jobs.native_state, jobs.native_dedup as dedup, jobs.native_parent_queue as parent_queue, jobs.native_parent_id as parent_id',
  async along(sql, found, archive, jobs, from) {
    const rows = sql`(
      select * from jsonb_to_recordset(${jobs}::text::jsonb)
        as one (queue text, native_id text, native_state text, dedup text, parent_queue text, parent_id text)
    ) as erased`
    if (from === 'jobs') await leaveTables(sql, found, rows)
    const isErased = sql`edge ->> 'child_queue' = erased.queue and edge ->> 'child_id' = erased.native_id`
    await sql`
      with erased as materialized (select * from ${rows})
      update ${archive} as parent
      set ${sql(along.edges)} = (
        select jsonb_agg(edge || case when exists (select from erased where ${isErased}) then '{"value": null}' else '{}' end::jsonb order by place)
        from jsonb_array_elements(parent.${sql(along.edges)}) with ordinality as edges (edge, place)
      )
      from (select distinct parent_queue, parent_id from erased where parent_id is not null) as named
      where parent.job_schema = ${found.schemaName}::text and parent.queue = named.parent_queue and parent.id = named.parent_id
        and jsonb_typeof(parent.${sql(along.edges)}) = 'array'`
  },
}

async function leaveTables(sql: Sql, { schema }: Found, rows: Fragment): Promise<void> {
  const of = sql.unsafe(schema)
  await sql`
    delete from ${of}.dedup as d
    using ${rows}
    where erased.dedup is not null and d.queue = erased.queue and d.dedup_id = erased.dedup and d.job_id = erased.native_id`
  await sql`
    with edges as (
      delete from ${of}.job_dependency as e
      using ${rows}
      where erased.parent_id is not null and e.parent_queue = erased.parent_queue and e.parent_id = erased.parent_id
        and e.child_key = erased.queue || ':' || erased.native_id and e.status = 'pending'
      returning e.parent_queue, e.parent_id
    )
    update ${of}.job as parent
    set pending_deps = greatest(parent.pending_deps - counted.children, 0)
    from (select parent_queue, parent_id, count(*)::int as children from edges group by parent_queue, parent_id) as counted
    where parent.queue = counted.parent_queue and parent.id = counted.parent_id`
  await sql`
    insert into ${of}.event (queue, event, data, created_at_ms)
    select queue, 'removed', jsonb_build_object('jobId', native_id, 'prev', native_state),
      (extract(epoch from clock_timestamp()) * 1000)::bigint
    from ${rows}`
  await tellQueues(sql, sql`select distinct queue from ${rows}`)
}
