import type { NewJob } from '../../shared/enqueue.ts'
import { Failure } from '../../shared/errors.ts'
import type { Sql } from '../database/sql.ts'

/**
 * Jobs that wait for each other would wait for ever. A new job cannot be in a circle, since nothing knows it
 * yet; one that is there already under the same idempotency key can.
 * @throws Failure `invalid_request` that names the jobs that would wait for themselves
 */
export async function refuseCycles(sql: Sql, entries: readonly NewJob[]): Promise<void> {
  const keyed = entries.filter(({ idempotency_key, depends_on }) => idempotency_key && depends_on?.length)
  if (keyed.length === 0) return
  const circular = await sql<{ job: string }[]>`
    with recursive
    asked (job, needs) as materialized (
      select job.uuid, unnest(item.depends_on)
      from jsonb_to_recordset(${JSON.stringify(keyed)}::text::jsonb) as item (
        domain text, queue text, job_type text, idempotency_key text, depends_on text[]
      )
      cross join lateral (
        select uuid
        from jobs
        where domain = item.domain and queue = item.queue and job_type = item.job_type
          and idempotency_key = item.idempotency_key
        offset 0
      ) as job
    ),
    reached (job, needs) as (
      select job, needs from asked
      union
      select reached.job, next.needs
      from reached
      cross join lateral (
        select depends_on_job_uuid as needs from job_dependencies where job_uuid = reached.needs
        union all
        select needs from asked where asked.job = reached.needs
        offset 0
      ) as next
      -- What is completed waits for nothing any more.
      where (select status from jobs where uuid = reached.needs) <> 'completed'
    )
    select distinct job from reached where needs = job limit 10`
  if (circular.length === 0) return
  const message = `these jobs would wait for themselves: ${circular.map(({ job }) => job).join(', ')}`
  throw new Failure('invalid_request', `depends_on: ${message}; nothing was enqueued`, {
    faults: [{ path: 'depends_on', message }],
  })
}
