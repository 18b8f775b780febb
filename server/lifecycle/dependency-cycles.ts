import { Failure } from '../../shared/errors.ts'
import type { NewJob } from '../../shared/work/enqueue.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { hasKeyOf } from './job-row.ts'

/** How far is looked for a circle that a call would close, and for one that another program has made. */
const farthest = { own: 100_000, foreign: 1000 }

/**
 * Jobs that wait for each other would wait for ever. A new job cannot be in a circle, since nothing knows it
 * yet; one that is there already under the same idempotency key can, and so can those that a new one needs.
 * @throws Failure `invalid_request` that names the jobs that would wait for themselves
 */
export async function refuseCycles(sql: Sql, entries: readonly NewJob[]): Promise<void> {
  const dependent = entries.filter(({ depends_on }) => depends_on !== undefined && depends_on.length > 0)
  if (dependent.length === 0) return
  const keyed = dependent.some(({ idempotency_key }) => idempotency_key !== undefined)
  const circular = await sql<{ job: string }[]>`
    with recursive
    item as materialized (
      select *
      from jsonb_to_recordset(${JSON.stringify(dependent)}::text::jsonb) as job (
        domain text, queue text, job_type text, idempotency_key text, depends_on text[]
      )
    ),
    asked (job, needs) as materialized (
      select job.uuid, unnest(item.depends_on)
      from item
      cross join lateral (select uuid from jobs where ${hasKeyOf(sql, sql`item`)} offset 0) as job
    ),
    reached (job, needs) as (
      (
        select job, needs from asked
        union
        select needed.uuid, edge.needs
        from (select distinct unnest(depends_on) as uuid from item) as needed
        cross join ${needsOf(sql, sql`needed.uuid`)} as edge
      )
      union
      select reached.job, edge.needs
      from reached
      cross join ${needsOf(sql, sql`reached.needs`)} as edge
    )
    select distinct job
    from (select * from reached limit ${keyed ? farthest.own : farthest.foreign}) as near
    where needs = job
    limit 10`
  if (circular.length === 0) return
  const message = `these jobs would wait for themselves: ${circular.map(({ job }) => job).join(', ')}`
  throw new Failure('invalid_request', `depends_on: ${message}; nothing was enqueued`, {
    faults: [{ path: 'depends_on', message }],
  })
}

/** What a job needs, as it is and as it is asked for. What is completed waits for nothing any more. */
const needsOf = (sql: Sql, job: Fragment): Fragment => sql`
  lateral (
    select needs
    from (
      select depends_on_job_uuid as needs from job_dependencies where job_uuid = ${job}
      union all
      select needs from asked where asked.job = ${job}
    ) as every
    where (select status from jobs where uuid = ${job}) <> 'completed'
    offset 0
  )`
