import type { z } from 'zod'
import { Failure } from '../../../shared/errors.ts'
import type {
  deleteSlaPolicy as deleting,
  listSlaPolicies as listing,
  SlaPolicy,
  setSlaPolicy as setting,
} from '../../../shared/queues/sla.ts'
import type { Call } from '../../call.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import { limitReadTime } from '../../database/read-timeout.ts'
import { inScope } from '../../database/scope.ts'

/** Sets the limits of a group, in place of those that it has. */
export async function setSlaPolicy(
  { sql }: Pick<Call, 'sql'>,
  policy: z.output<typeof setting.input>,
): Promise<z.output<typeof setting.output>> {
  const { domain, queue, job_type, max_queue_latency_seconds: wait, max_duration_seconds: run, enabled } = policy
  await retryDeadlock(() =>
    unlessFrozen(
      sql,
      (tx) => tx`
      insert into job_sla_policies
        (domain, queue, job_type, max_queue_latency_seconds, max_duration_seconds, enabled, updated_at)
      values (
        ${domain}::text, ${queue}::text, ${job_type}::text,
        ${wait ?? null}::bigint, ${run ?? null}::bigint, ${enabled}::bool, now()
      )
      on conflict (domain, queue, job_type) do update
      set max_queue_latency_seconds = excluded.max_queue_latency_seconds,
          max_duration_seconds = excluded.max_duration_seconds,
          enabled = excluded.enabled,
          updated_at = excluded.updated_at`,
    ),
  )
  return { ok: true }
}

/** @throws Failure `not_found` for a group without a policy */
export async function deleteSlaPolicy(
  { sql }: Pick<Call, 'sql'>,
  { domain, queue, job_type }: z.output<typeof deleting.input>,
): Promise<z.output<typeof deleting.output>> {
  const { count } = await retryDeadlock(() =>
    unlessFrozen(
      sql,
      (tx) => tx`
      delete from job_sla_policies
      where domain = ${domain}::text and queue = ${queue}::text and job_type = ${job_type}::text`,
    ),
  )
  if (count > 0) return { ok: true }
  throw new Failure('not_found', `${domain}/${queue} ${job_type} has no SLA policy; nothing was changed`, {
    hint: 'GET /api/v1/jobs/sla/policies lists them',
  })
}

/** The most policies that one call reads. */
export const mostPolicies = 10_000

/** The policies by domain, queue and job type, with the header `X-Complete`: `false` where there are more than are read. */
export async function listSlaPolicies(call: Call, scope: z.output<typeof listing.input>): Promise<SlaPolicy[]> {
  const policies = await call.sql.begin(async (tx) => {
    await tx`select ${limitReadTime(tx)}`
    return tx<SlaPolicy[]>`
      select
        domain, queue, job_type,
        max_queue_latency_seconds::bigint as max_queue_latency_seconds,
        max_duration_seconds::bigint as max_duration_seconds,
        enabled is true as enabled,
        updated_at
      from job_sla_policies
      where true ${inScope(tx, scope)}
      order by domain collate "C", queue collate "C", job_type collate "C"
      limit ${mostPolicies + 1}`
  })
  call.addHeader('X-Complete', String(policies.length <= mostPolicies))
  return policies.slice(0, mostPolicies)
}
