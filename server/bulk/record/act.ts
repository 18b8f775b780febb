import type { ActKind } from '../../../shared/records/acts.ts'
import type { Transaction } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import { sealRecord } from '../chain/hash-chain.ts'

/** Who acts, and from where. */
export interface Actor {
  /** The id of a token or `single-user`; at the shell `user@host`. */
  caller: string
  reason?: string | undefined
  requestId?: string | undefined
  /** The address of the client, as the server reads it; undefined at the shell. */
  address: string | undefined
}

/** What was done: no secret, no payload. */
interface Act {
  kind: ActKind
  scope?: {
    domain?: string | null | undefined
    queue?: string | null | undefined
    job_type?: string | null | undefined
  }
  /** The token, the hold, the limits and so on, by the names of the API; nulls are left out. */
  details: Record<string, unknown>
  /** The preview of the plan that the act applies: nothing else uses it. */
  previewId?: string | undefined
  /** The key of the request, of an act that answers the same request again. */
  idempotencyKey?: string | undefined
}

/**
 * Writes the sealed record of an act. It is the last step of the transaction of the act, since seals wait for each other until
 * the commit. The record has no jobs, so that no undo finds any; a server of version 0.1.0 lists and verifies it as any other. A server
 * that only looks has no records: its logins and logouts are in its log alone.
 */
export async function recordAct(
  tx: Transaction,
  { caller, reason, requestId, address }: Actor,
  { kind, scope = {}, details, previewId, idempotencyKey }: Act,
): Promise<void> {
  if (servedBy(tx).mode === 'look') return
  const { domain = null, queue = null, job_type = null } = scope
  const known = Object.entries({ ...details, address }).filter(([, value]) => value !== null)
  const filters = JSON.stringify(Object.fromEntries(known))
  const [{ id }] = await tx<[{ id: number }]>`
    insert into job_operations (
      kind, domain, queue, job_type, filters, as_of, seen, caller, reason, request_id, request_hash, state, ended_at, preview_id,
      idempotency_key
    )
    values (
      ${kind}, ${domain}, ${queue}, ${job_type}, ${filters}::text::jsonb, clock_timestamp(), pg_current_snapshot()::text,
      ${caller}, ${reason ?? null}, ${requestId ?? null}, '', 'done', clock_timestamp(), ${previewId ?? null},
      ${idempotencyKey ?? null}
    )
    returning id`
  await sealRecord(tx, id)
}
