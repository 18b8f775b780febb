import { expect } from 'vitest'
import type { Change, Done } from '../../support/changes/bulk-tools.ts'
import type { World } from '../../support/world.ts'

type Fields = Record<string, unknown>

/** The jobs of each kind of change, written independently of the server. */
export const matches: Record<Change['kind'], string> = {
  prune: `status in ('completed', 'failed', 'cancelled')
    and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < now() - interval '720 hours'`,
  sweep: `(status = 'queued' and created_at <= now() - interval '1 hour')
    or (status = 'processing' and greatest(started_at, acquired_at) <= now() - interval '1 hour')`,
  requeue: `status = 'quarantined'`,
  integrity: `(status = 'processing' and (leased_until is null or leased_until < now()))
    or (status <> 'processing' and leased_until is not null)
    or (status = 'queued' and (lease_id is not null or worker_id is not null))`,
  cancel: `status = 'queued' or (status = 'processing' and cancel_requested_at is null)`,
  retry: `status = 'failed'`,
  reclaim: `status = 'processing'`,
  reschedule: `status = 'queued' and available_at is distinct from '2099-01-01T00:00:00Z'`,
  priority: `status = 'queued' and priority is distinct from 1`,
  edit: `status = 'queued' and payload ->> 'edited' is distinct from 'by the change' and jsonb_typeof(payload) = 'object'`,
}

/** The jobs that a change would touch now, as they are. */
export async function snapshotOf({ sql }: World, { kind }: Change): Promise<Map<number, Fields>> {
  const rows = await sql<{ id: number; job: Fields }[]>`
    select id, to_jsonb(jobs) as job
    from jobs
    where domain = 'chatbooks' and (${sql.unsafe(matches[kind])})
    order by id`
  return new Map(rows.map(({ id, job }) => [Number(id), job]))
}

/** A job that a change has touched, as it was right before, as far as that was kept. */
export interface Touched {
  id: number
  before: Fields
}

/** What a change has touched, by what it has left behind. */
export async function touchedBy({ sql }: World, { kind }: Change, { operation }: Done): Promise<Touched[]> {
  const id = operation ?? -1
  const images = sql`select job_id as id, before from job_operation_rows where operation_id = ${id}::bigint`
  const byEvents = sql`
    select job_id as id, '{}'::jsonb as before from job_events where request_id = 'the-change' and job_id is not null`
  const traces = {
    prune: sql`
      select id, to_jsonb(jobs_archive) - '{operation_id,archived_at,job_attachments,job_dependencies,payload_compressed,result_compressed}'::text[] as before
      from jobs_archive where operation_id = ${id}::bigint`,
    ...{ sweep: images, requeue: images, cancel: images, retry: images, reschedule: images, priority: images },
    edit: sql`
      select job_id as id, before || jsonb_build_object('payload', (before ->> 'payload')::jsonb) as before
      from job_operation_rows where operation_id = ${id}::bigint`,
    integrity: byEvents,
    reclaim: byEvents,
  }
  const rows = await sql<{ id: number; before: Fields }[]>`${traces[kind]} order by 1`
  return rows.map(({ id, before }) => ({ id: Number(id), before }))
}

interface Comparison {
  touched: Touched[]
  previewed: Map<number, Fields>
  written: Set<number>
}

/** Each was in the preview, in that very version. */
export async function expectOnlyCounted({ touched, previewed, written }: Comparison): Promise<void> {
  for (const { id, before } of touched) {
    const then = previewed.get(id)
    expect(then, `job ${id} was in the preview`).toBeDefined()
    expect(before, `job ${id} was as in the preview`).toEqual(only(then ?? {}, Object.keys(before)))
    expect(written.has(id), `job ${id} was written by others since`).toBe(false)
  }
}

const only = (fields: Fields, names: string[]): Fields => Object.fromEntries(names.map((name) => [name, fields[name]]))

/** What workers have had to do with: whose call is made for a job may take back others, whose lease has run out. */
export async function usedByWorkers({ sql }: World): Promise<Set<number>> {
  const rows = await sql<{ job_id: number }[]>`
    select distinct job_id from job_events where job_id is not null and request_id is distinct from 'the-change'`
  return new Set(rows.map(({ job_id }) => Number(job_id)))
}
