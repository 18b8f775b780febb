import type { NewJob } from '../../shared/enqueue.ts'
import { Failure } from '../../shared/errors.ts'
import type { Sql } from '../database/sql.ts'

interface Edge {
  job: string
  needs: string
}

/**
 * Jobs that wait for each other would wait for ever. A new job cannot be in a circle by itself, but one that is
 * there already under the same idempotency key can, and so can those that another program has linked.
 * @throws Failure `invalid_request` that names the jobs of a circle
 */
export async function refuseCycles(sql: Sql, entries: readonly NewJob[]): Promise<void> {
  const dependent = entries.filter(({ depends_on }) => depends_on !== undefined && depends_on.length > 0)
  if (dependent.length === 0) return
  const edges = await sql<Edge[]>`
    with recursive
    asked as (
      select * from jsonb_to_recordset(${JSON.stringify(dependent)}::text::jsonb) as item (
        domain text, queue text, job_type text, idempotency_key text, depends_on text[]
      )
    ),
    reached (job) as (
      select unnest(depends_on) from asked
      union
      select edge.needs from reached cross join ${needsOf(sql)} as edge
    )
    select job.uuid as job, unnest(asked.depends_on) as needs
    from asked
    cross join lateral (
      select uuid
      from jobs
      where domain = asked.domain and queue = asked.queue and job_type = asked.job_type
        and idempotency_key = asked.idempotency_key
      offset 0
    ) as job
    union
    select reached.job, edge.needs from reached cross join ${needsOf(sql)} as edge`
  const circle = circleIn(edges)
  if (!circle) return
  const message = `these jobs would wait for each other for ever: ${circle.join(' needs ')}`
  throw new Failure('invalid_request', `depends_on: ${message}; nothing was enqueued`, {
    faults: [{ path: 'depends_on', message }],
  })
}

const needsOf = (sql: Sql) => sql`
  lateral (
    select depends_on_job_uuid as needs from job_dependencies where job_uuid = reached.job offset 0
  )`

/** A circle of jobs, from one round to the same again, or undefined: what has no open need is taken away, again and again. */
function circleIn(edges: readonly Edge[]): string[] | undefined {
  const needs = new Map<string, Set<string>>()
  for (const { job, needs: needed } of edges) needs.set(job, (needs.get(job) ?? new Set()).add(needed))
  for (let before = -1; before !== needs.size; ) {
    before = needs.size
    for (const [job, open] of needs) if (![...open].some((needed) => needs.has(needed))) needs.delete(job)
  }
  const [first] = needs.keys()
  if (first === undefined) return undefined
  const path = [first]
  for (;;) {
    const next = [...(needs.get(path.at(-1) ?? '') ?? [])].find((needed) => needs.has(needed)) ?? first
    const at = path.indexOf(next)
    path.push(next)
    if (at >= 0) return path.slice(at)
  }
}
