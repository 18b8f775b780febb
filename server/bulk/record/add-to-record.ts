import { kindOf } from '../../../shared/changes/kinds.ts'
import { commonScope } from '../../database/shared-jobs.ts'
import type { Sql } from '../../database/sql.ts'
import type { BatchCounts, BulkChange, Operation, Origin } from '../change/bulk-change.ts'

/** Adds what a batch did to the record of its operation. */
export const addToRecord = (
  tx: Sql,
  { operation }: Pick<Operation, 'operation'>,
  counts: BatchCounts,
  affected: number,
) => tx`
  update job_operations
  set affected = affected + ${affected}::bigint,
      batches = batches + ${affected > 0 ? 1 : 0}::int,
      counts = (
        select coalesce(jsonb_object_agg(name, coalesce((counts ->> name)::bigint, 0) + value::bigint), '{}')
        from jsonb_each_text(${JSON.stringify(counts)}::text::jsonb) as batch (name, value)
      ),
      touched_at = clock_timestamp()
  where id = ${operation}::bigint`

/** Writes the event of a batch: which operation changed how many jobs, for which caller and reason. */
export function insertEvent(
  tx: Sql,
  {
    operation,
    caller,
    reason,
    asOf,
    requestId,
  }: Pick<Operation & Origin, 'operation' | 'caller' | 'reason' | 'asOf' | 'requestId'>,
  bulk: Pick<BulkChange<unknown>, 'kind' | 'scope' | 'previewToken' | 'request'>,
  affected: number,
) {
  const { domain = null, queue = null, job_type = null } = commonScope(bulk.scope)
  const as_of = bulk.previewToken === undefined ? undefined : asOf
  const attrs = { operation, affected, caller, reason, as_of, filters: bulk.request }
  return tx`
    insert into job_events (event_type, domain, queue, job_type, attrs_json, request_id)
    values (
      ${kindOf(bulk.kind).event}, ${domain}, ${queue}, ${job_type},
      ${JSON.stringify(attrs)}::text::jsonb || coalesce((
        select jsonb_build_object('proposal', filters -> 'proposal')
        from job_operations
        where id = ${operation}::bigint and filters ? 'proposal'
      ), '{}'),
      ${requestId}
    )`
}
