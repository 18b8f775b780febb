import { randomUUID } from 'node:crypto'
import { Failure, type FailureCode } from '../../../shared/errors.ts'
import { maxReasonLength } from '../../../shared/headers.ts'
import { type Standing, standingOf, takenAway } from '../../auth/standing.ts'
import { type Commission, unattended } from '../../bulk/change/commission.ts'
import { messageOf } from '../../bulk/record/left-to-others.ts'
import type { ServerContext } from '../../call.ts'
import { isConnectionLost } from '../../database/errors/failure.ts'
import type { Sql } from '../../database/sql.ts'
import { findAuthor } from '../../endpoints/policy/author.ts'
import { readApplied, unreadable } from '../../endpoints/policy/read-policy.ts'
import { beginRule, previewRule } from '../../endpoints/policy/rule-change.ts'
import { type Counted, closeRun, holdRun, noteBegun, postponeRun, type TakenRun } from './due-rules.ts'

/** Codes of failures after which the same run may succeed later. */
const passing: readonly FailureCode[] = [
  ...(['conflict', 'frozen', 'preview_stale', 'database_unavailable', 'database_busy'] as const),
  ...(['outcome_unknown', 'shutting_down'] as const),
]
/** Codes of failures that say what the author of the policy may not do. */
const refusing: readonly FailureCode[] = ['forbidden', 'limit_exceeded', 'quota_exceeded', 'approval_required']
/** The time after which a run that cannot begin is tried again, in seconds. */
const laterSeconds = 30
/** A run is given up when this number of servers have died with it before it had an operation. */
const mostAttempts = 5
const holdEveryMs = 2000

/** Runs a rule: counts its jobs, and begins the change, which goes on without this server. Throws only where the database cannot be reached. */
export async function runRule(serving: ServerContext, run: TakenRun): Promise<void> {
  const { operatorSql: sql, log } = serving
  const { name } = run.rule
  const timer = setInterval(() => void holdRun(sql, run).catch(() => {}), holdEveryMs).unref()
  try {
    if (run.attempts > mostAttempts) throw new Failure('internal', 'its servers died one after the other')
    await countAndBegin(serving, run)
  } catch (error) {
    if (isConnectionLost(error)) throw error
    const problem = messageOf(error).replace(/; nothing was changed$/, '')
    if (error instanceof Failure && passing.includes(error.code)) {
      log.warn(`rule ${name} of the policy waits: ${problem}`)
      await postponeRun(sql, run, { seconds: laterSeconds, problem })
    } else {
      const state = error instanceof Failure && refusing.includes(error.code) ? 'refused' : 'failed'
      log.warn(`rule ${name} of the policy did not run: ${problem}`)
      await closeRun(sql, run, { state, problem })
    }
  } finally {
    clearInterval(timer)
  }
}

async function countAndBegin(serving: ServerContext, run: TakenRun): Promise<void> {
  const { operatorSql: sql, log } = serving
  const { name, mode, max } = run.rule
  const server = { ...serving, sql }
  const commission = await commissionOf(serving, run)
  const begun = await findBegun(sql, commission)
  if (begun) return void (await noteBegun(sql, run, begun))
  const preview = await previewRule(server, commission, run.rule)
  const counted: Counted = { count: preview.count, complete: preview.complete !== false }
  if (mode === 'report') {
    log.info(`rule ${name} of the policy only reports`, { would_change: Math.min(counted.count, max) })
    return void (await closeRun(sql, run, { state: 'reported', ...counted }))
  }
  if (counted.count === 0) return void (await closeRun(sql, run, { state: 'done', ...counted }))
  if (!(await holdRun(sql, run))) return
  const done = await beginRule(server, commission, run.rule, preview)
  if (!('accepted' in done)) return
  const { operation_id } = done.accepted
  log.info(`rule ${name} of the policy runs as operation ${operation_id}`, { matched: counted.count })
  await noteBegun(sql, run, { operation: operation_id, ...counted })
}

/** The commission of a run, with the rights that the author of the policy has now. @throws Failure `forbidden` */
async function commissionOf(serving: ServerContext, { rule, due, began }: TakenRun): Promise<Commission> {
  const { applied } = (await readApplied(serving.sql)) ?? {}
  if (!applied) throw new Failure('forbidden', unreadable)
  const { caller, identity, may, within } = await findAuthor(serving, applied.caller)
  const reason = `policy ${rule.name}${applied.reason === null ? '' : `: ${applied.reason}`}`.slice(0, maxReasonLength)
  return {
    by: 'policy',
    ...unattended,
    caller,
    identity,
    may,
    within,
    reason,
    requestId: randomUUID(),
    idempotencyKey: `policy ${rule.name} ${due} ${began}`,
    policy: { rule: rule.name, most: rule.max },
    approved: await stillApproved(serving, applied.approved),
  }
}

/**
 * The approval of the policy, where its approver could still give it. Without it, a run that needs one is refused. A token that has come to
 * its term takes nothing back: the policy was approved for good.
 */
async function stillApproved(
  { sql, log }: ServerContext,
  approved: Commission['approved'],
): Promise<Commission['approved']> {
  if (!approved) return undefined
  const [{ now }] = await sql<[{ now: Standing }]>`select ${standingOf(sql, sql`${approved.approver}::text`)} as now`
  const lost = takenAway(now, 'approve')
  if (lost === undefined) return approved
  log.warn(`the policy runs without the approval of plan ${approved.plan}: its approver ${approved.approver} ${lost}`)
  return undefined
}

/**
 * The operation of this run that a server has begun, and has died before it noted so.
 * @throws Failure `conflict` where no other server goes on with it: the run begins again once its record is closed
 */
async function findBegun(sql: Sql, { caller, idempotencyKey }: Pick<Commission, 'caller' | 'idempotencyKey'>) {
  const [record] = await sql<(Counted & { operation: number; goes_on: boolean })[]>`
    select id as operation, coalesce(previewed, affected) as count, previewed is not null as complete,
      state <> 'running' or exists (select from jobsctl_detached where operation_id = id) as goes_on
    from job_operations
    where caller = ${caller} and idempotency_key = ${idempotencyKey ?? null}`
  if (record?.goes_on !== false) return record
  throw new Failure('conflict', `the server of operation ${record.operation} died before its first batch`)
}
