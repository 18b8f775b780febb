import { isDeepStrictEqual } from 'node:util'
import { Failure } from '../../../shared/errors.ts'
import type { SlaPolicy } from '../../../shared/queues/sla.ts'
import { requireWithin } from '../../auth/require-scope.ts'
import { recordAct } from '../../bulk/record/act.ts'
import type { Acting, Listing, Reading } from '../../call.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import { inScope } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { type ActingCall, actorOf } from '../actor.ts'
import type { InputOf, OutputOf } from '../handlers.ts'

type PolicyCall = ActingCall & Reading & Pick<Acting, 'identity'>

/**
 * Sets the limits of a group, in place of those that it has. Limits that are others than before have a sealed record.
 * @throws Failure `forbidden` for a group outside of the scope of the caller
 */
export async function setSlaPolicy(
  call: PolicyCall,
  policy: InputOf<'setSlaPolicy'>,
): Promise<OutputOf<'setSlaPolicy'>> {
  const { domain, queue, job_type, ...limits } = policy
  requireOwnGroup(call, { domain, queue, job_type })
  await retryDeadlock(() =>
    unlessFrozen(call.sql, async (tx) => {
      const before = await limitsOf(tx, policy)
      await setLimits(tx, policy)
      if (isDeepStrictEqual(before, await limitsOf(tx, policy))) return
      await recordAct(tx, actorOf(call), {
        kind: 'limits.set',
        scope: { domain, queue, job_type },
        details: { ...limits, before },
      })
    }),
  )
  return { ok: true }
}

/** The limits of a group, which no other transaction changes before the end of this one; null without a policy. */
async function limitsOf(tx: Sql, { domain, queue, job_type }: Group): Promise<object | null> {
  const [row] = await tx`
    select max_queue_latency_seconds::bigint, max_duration_seconds::bigint, enabled is true as enabled
    from job_sla_policies
    where domain = ${domain}::text and queue = ${queue}::text and job_type = ${job_type}::text
    for update`
  return row ? { ...row } : null
}

const setLimits = (tx: Sql, policy: InputOf<'setSlaPolicy'>) => {
  const { domain, queue, job_type, max_queue_latency_seconds: wait, max_duration_seconds: run, enabled } = policy
  return tx`
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
          updated_at = excluded.updated_at`
}

type Group = Pick<InputOf<'setSlaPolicy'>, 'domain' | 'queue' | 'job_type'>

const requireOwnGroup = (call: PolicyCall, group: Group): void =>
  requireWithin(call, group, `the group ${group.domain}/${group.queue} ${group.job_type}`)

/** @throws Failure `not_found` for a group without a policy; `forbidden` for one outside of the scope of the caller */
export async function deleteSlaPolicy(
  call: PolicyCall,
  { domain, queue, job_type }: InputOf<'deleteSlaPolicy'>,
): Promise<OutputOf<'deleteSlaPolicy'>> {
  const scope = { domain, queue, job_type }
  requireOwnGroup(call, scope)
  const before = await retryDeadlock(() =>
    unlessFrozen(call.sql, async (tx) => {
      const before = await limitsOf(tx, scope)
      if (!before) return undefined
      await tx`
        delete from job_sla_policies
        where domain = ${domain}::text and queue = ${queue}::text and job_type = ${job_type}::text`
      await recordAct(tx, actorOf(call), { kind: 'limits.deleted', scope, details: { before } })
      return before
    }),
  )
  if (before) return { ok: true }
  throw new Failure('not_found', `${domain}/${queue} ${job_type} has no SLA policy; nothing was changed`, {
    hint: 'GET /api/v1/jobs/sla/policies lists them',
  })
}

/** The most policies that one call reads. */
export const mostPolicies = 10_000

/** The policies by domain, queue and job type, with the header `X-Complete`: `false` where there are more than are read. */
export async function listSlaPolicies(call: Listing, scope: InputOf<'listSlaPolicies'>): Promise<SlaPolicy[]> {
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
      where true ${inScope(tx, { ...scope, within: call.within })}
      order by domain collate "C", queue collate "C", job_type collate "C"
      limit ${mostPolicies + 1}`
  })
  call.addHeader('X-Complete', String(policies.length <= mostPolicies))
  return policies.slice(0, mostPolicies)
}
