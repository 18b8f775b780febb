import { Failure } from '../../../shared/errors.ts'
import type { NewJob } from '../../../shared/work/enqueue.ts'
import type { Acting } from '../../call.ts'
import { isWithin } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { hasKeyOf } from '../job-row.ts'

/** The most edges that are followed from a job that exists, and from jobs that new ones depend on. */
const edgeLimit = { existing: 100_000, needed: 1000 }

type CycleCall = Pick<Acting, 'within'> & { sql: Sql }

/**
 * Rejects a call after which jobs would wait for each other for ever. A new job is in no cycle, because no job depends on it yet. A job
 * that exists under the same idempotency key can be in one, and so can the jobs that a new job depends on. Jobs outside of the scope of the
 * caller are not named, and a cycle of such jobs alone is not refused.
 * @throws Failure `invalid_request` that names at most ten jobs of the cycle by their uuid
 */
export async function refuseCycles({ sql, within }: CycleCall, entries: readonly NewJob[]): Promise<void> {
  const dependent = entries.filter(({ depends_on }) => depends_on !== undefined && depends_on.length > 0)
  if (dependent.length === 0) return
  const circular = await findCycles({ sql, within }, dependent)
  if (circular.length === 0) return
  const message = `these jobs would wait for themselves: ${circular.map(({ uuid }) => uuid).join(', ')}`
  throw new Failure('invalid_request', `depends_on: ${message}; nothing was enqueued`, {
    faults: [{ path: 'depends_on', message }],
  })
}

function findCycles({ sql, within }: CycleCall, dependent: readonly NewJob[]) {
  const keyed = dependent.some(({ idempotency_key }) => idempotency_key !== undefined)
  return sql<{ uuid: string }[]>`
    with recursive
    request as materialized (
      select *
      from jsonb_to_recordset(${JSON.stringify(dependent)}::text::jsonb) as job (
        domain text, queue text, job_type text, idempotency_key text, depends_on text[]
      )
    ),
    requested_edge (uuid, needs) as materialized (
      select job.uuid, unnest(request.depends_on)
      from request
      cross join lateral (select uuid from jobs where ${hasKeyOf(sql, sql`request`)} offset 0) as job
    ),
    reached (uuid, needs) as (
      (
        select uuid, needs from requested_edge
        union
        select needed.uuid, edge.needs
        from (select distinct unnest(depends_on) as uuid from request) as needed
        cross join ${edgesOf(sql, sql`needed.uuid`)} as edge
      )
      union
      select reached.uuid, edge.needs
      from reached
      cross join ${edgesOf(sql, sql`reached.needs`)} as edge
    )
    select distinct uuid
    from (select * from reached limit ${keyed ? edgeLimit.existing : edgeLimit.needed}) as near
    where needs = uuid ${within ? sql`and exists (select from jobs where jobs.uuid = near.uuid ${isWithin(sql, within)})` : sql``}
    limit 10`
}

/**
 * The uuids that the job `uuid` depends on, as `(needs)`: its stored edges and its requested ones. A completed job has none,
 * because it does not wait any more. Needs the CTE `requested_edge (uuid, needs)`.
 */
const edgesOf = (sql: Sql, uuid: Fragment): Fragment => sql`
  lateral (
    select needs
    from (
      select depends_on_job_uuid as needs from job_dependencies where job_uuid = ${uuid}
      union all
      select needs from requested_edge where requested_edge.uuid = ${uuid}
    ) as every
    where (select status from jobs where uuid = ${uuid}) <> 'completed'
    offset 0
  )`
