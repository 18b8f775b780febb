import { hash } from 'node:crypto'
import type { FinishItem, FinishResult } from '../../../shared/work/finish.ts'
import type { Acting } from '../../call.ts'
import { isWithin } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { leaseLost } from '../lease-owner.ts'

/** A finish with its key, which the event of the finish keeps as `finish`; no key without a completion token. */
export type Keyed<Item extends FinishItem> = Item & { finish: string | undefined }
export type KeyedFinish = Keyed<FinishItem>

/** Adds the key by which a repeated finish is recognised: 32 hexadecimal digits of a hash of what makes it the same. */
export function withFinishKey<Item extends FinishItem>(item: Item): Keyed<Item> {
  const { action, worker_id, lease_id, completion_token } = item
  if (completion_token === undefined) return { finish: undefined, ...item }
  const parts = JSON.stringify([action, worker_id, lease_id, completion_token])
  return { finish: hash('sha256', parts).slice(0, 32), ...item }
}

interface Explained {
  id: number
  /** Null where there is no job. */
  status: string | null
  /** The row shows that this same finish was made before; its event may have been deleted. */
  same: boolean
  /** This same lease was finished in another way. */
  otherwise: boolean
  /** Of the event of this same finish; null where there is none. */
  event_type: string | null
  retry_count: number | null
  available_at: string | null
}

/** Why these were not settled: the same finish was made before, the lease is lost, or there is no such job. */
export async function explainUnsettled(
  { sql, within }: Pick<Acting, 'within'> & { sql: Sql },
  items: readonly KeyedFinish[],
): Promise<FinishResult[]> {
  const rows = await sql<Explained[]>`
    select
      request.id, job.status, earlier.event_type,
      coalesce(earlier.retry_count, job.retry_count) as retry_count, earlier.available_at,
      coalesce(
        job.lease_id = request.lease_id and job.worker_id = request.worker_id
          and job.completion_token = request.completion_token
          and job.status = case request.action when 'complete' then 'completed' when 'fail' then 'failed' when 'cancel' then 'cancelled' end,
        false
      ) as same,
      coalesce(
        job.lease_id = request.lease_id and (job.completion_token is not null or job.status = 'completed'), false
      ) as otherwise
    from jsonb_to_recordset(${JSON.stringify(items)}::text::jsonb) as request (
      id bigint, action text, worker_id text, lease_id text, completion_token text, finish text
    )
    left join lateral (
      select status, worker_id, lease_id, completion_token, retry_count
      from jobs
      where jobs.id = request.id ${isWithin(sql, within)}
      offset 0
    ) as job on true
    left join lateral (
      select
        event_type, (attrs_json ->> 'retry_count')::int as retry_count, attrs_json ->> 'available_at' as available_at
      from job_events
      where job_id = request.id and attrs_json ->> 'finish' = request.finish ${isWithin(sql, within)}
      limit 1
    ) as earlier on true`
  return rows.map(resultOf)
}

const statuses = new Map([
  ['job.completed', 'completed'],
  ['job.failed', 'failed'],
  ['job.quarantined', 'quarantined'],
  ['job.cancelled', 'cancelled'],
])

function resultOf({ id, status, same, otherwise, event_type, ...earlier }: Explained): FinishResult {
  const retry_count = earlier.retry_count ?? 0
  if (event_type !== null) {
    const { available_at } = earlier
    return { ok: true, id, status: statuses.get(event_type) ?? 'queued', retry_count, available_at }
  }
  if (status === null) return { ok: false, id, code: 'not_found', detail: `there is no job ${id}` }
  if (same) return { ok: true, id, status, retry_count, available_at: null }
  if (!otherwise) return leaseLost(id)
  const detail = `job ${id} is ${status} already, by another finish; nothing was changed`
  return { ok: false, id, code: 'conflict', detail }
}
